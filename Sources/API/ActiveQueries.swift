import Format
import HTTP
import Platform
import Synchronization

/// The queries that run now and those whose answers their clients are still taking, of all workspaces, for those who want
/// to see or end one. Any thread. One for each connection at most.
package final class ActiveQueries: Sendable {
  /// One running query: leaves the list when its answer has been written, or when nobody holds it any more.
  fileprivate final class Run: Sendable {
    let id: Int
    let list: ActiveQueries
    let start: QueryStart
    let isListed = Atomic<Bool>(true)

    init(id: Int, list: ActiveQueries, start: QueryStart) {
      self.id = id
      self.list = list
      self.start = start
    }

    deinit { end() }

    func end() {
      if isListed.exchange(false, ordering: .relaxed) { list.remove(self) }
    }
  }

  /// What is told of a running query, and how it is ended.
  private struct Listed: Sendable {
    var start: QueryStart
    var request: Request
  }

  private struct State: Sendable {
    var running: [Int: Listed] = [:]
    var nextID = 1
  }

  private let state = Mutex(State())
  private let clock: any Clock
  private let slowLog: SlowQueryLog?

  package init(clock: any Clock, slowLog: SlowQueryLog?) {
    self.clock = clock
    self.slowLog = slowLog
  }

  /// A handler of queries whose work is listed while it runs, making its answer included.
  func tracking(_ handler: @escaping Handler) -> Handler {
    { [self] request in
      let run = begin(request)
      var response = handler(request)
      guard case .pieces(let heldBytes, let pieces) = response.body else {
        run.end()
        return response
      }
      // A failure releases the pieces, and the run with them.
      response.body = .pieces(heldBytes: heldBytes) { (writer) throws(StreamError) in
        let outcome = try pieces(writer)
        if outcome == .last { run.end() }
        return outcome
      }
      return response
    }
  }

  private func begin(_ request: Request) -> Run {
    let start = QueryStart(request, clock)
    let id = state.withLock { state in
      let id = state.nextID
      state.nextID += 1
      state.running[id] = Listed(start: start, request: request)
      return id
    }
    return Run(id: id, list: self, start: start)
  }

  private func remove(_ run: Run) {
    let ended = state.withLock { $0.running.removeValue(forKey: run.id) }
    guard let ended, let slowLog else { return }
    slowLog.note(ended.start, ended.request, now: clock.monotonicNanoseconds())
  }

  // MARK: Endpoints

  func list(_ request: Request, _ workspace: Workspace) -> Response {
    let running = state.withLock { $0.running }.sorted { $0.key < $1.key }
    let now = clock.monotonicNanoseconds()
    return JSONAnswer.success { json in
      json.raw("[")
      var isFirst = true
      for (id, listed) in running where listed.start.workspace == workspace.id {
        if !isFirst { json.raw(",") }
        isFirst = false
        json.raw("{\"id\":\"\(id)\",")
        listed.start.write(&json)
        json.raw(",\"duration\":\(listed.start.seconds(until: now))}")
      }
      json.raw("]")
    }
  }

  /// Ends a query of the workspace.
  func kill(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let id = request.queryParameter("id")
    let found = state.withLock { state in Int(id).flatMap { state.running[$0] } }
    guard let found, found.start.workspace == workspace.id else {
      throw APIError(.notFound, "no query \(id) is running")
    }
    found.request.cancel()
    return .noContent
  }
}

/// What is known of a query when it begins to run. A plain value.
package struct QueryStart: Sendable {
  let workspace: String
  let path: String
  let query: String
  /// As sent; empty where they were not.
  let times: [(name: String, value: String)]
  let client: String
  let startMilliseconds: Int64
  let startNanoseconds: Int64
  /// How long the request waited before.
  let queueNanoseconds: Int64

  /// Bytes of a query's text that are kept.
  static let textBytesMax = 16 << 10

  init(_ request: Request, _ clock: any Clock) {
    workspace = request.workspace ?? Workspaces.defaultID
    path = request.path
    query = String(decoding: request.queryParameter("query").utf8.prefix(QueryStart.textBytesMax), as: UTF8.self)
    times = ["time", "start", "end", "step"].compactMap { name in request.parameter(name).map { (name, $0) } }
    client = request.remoteAddress
    startMilliseconds = clock.nowMilliseconds()
    startNanoseconds = clock.monotonicNanoseconds()
    queueNanoseconds = request.queuedNanoseconds(until: startNanoseconds)
  }

  func seconds(until now: Int64) -> Double { Double(max(0, now - startNanoseconds)) / 1e9 }

  /// The members of an object.
  func write(_ json: inout JSONBuffer) {
    json.raw("\"workspace\":")
    json.pageString(workspace)
    json.raw(",\"path\":")
    json.pageString(path)
    json.raw(",\"query\":")
    json.pageString(query)
    for (name, value) in times {
      json.raw(",\"\(name)\":")
      json.pageString(value)
    }
    json.raw(",\"client\":")
    json.pageString(client)
    json.raw(",\"startTime\":\"\(TimeText.text(milliseconds: startMilliseconds))\"")
    json.raw(",\"queueSeconds\":\(Double(queueNanoseconds) / 1e9)")
  }
}

extension Request {
  /// From its last byte to a moment of the monotonic clock.
  func queuedNanoseconds(until now: Int64) -> Int64 { completeNanoseconds == 0 ? 0 : max(0, now - completeNanoseconds) }

  func queuedSeconds(until now: Int64) -> Double { Double(queuedNanoseconds(until: now)) / 1e9 }
}
