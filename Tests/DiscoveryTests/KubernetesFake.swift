import Platform
import TestKit

/// An API server of Kubernetes in this process: lists in pages, watches with bookmarks, versions that expire.
final class KubernetesFake: Sendable {
  private struct State {
    var version = 100
    /// JSON of objects by path and name.
    var objects: [String: [String: String]] = [:]
    var events: [(version: Int, path: String, line: String)] = []
    /// Versions below are gone.
    var oldest = 0
    /// True: 410 comes as an event, not as a status.
    var expiresByEvent = false
    var token: String?
    /// Statuses of the next requests whose path ends so.
    var refusals: [(suffix: String, status: Int, headers: [String])] = []
    var requests: [String] = []
    /// Watches that began before end; with the beginning of a line, if there is one.
    var cuts = 0
    var cutLine: String?
    var watches = 0
    var isMute = false
  }

  /// The body of an object without its version.
  typealias Body = (_ version: Int) -> String

  private let state = Monitor(State())
  let server: ChunkServer

  init() {
    let state = state
    server = ChunkServer { request, answer in Self.answer(request, answer, state) }
  }

  // MARK: The test's side

  func put(_ path: String, _ name: String, _ body: Body) {
    state.withLock { state in
      state.version += 1
      let json = body(state.version)
      let type = state.objects[path]?[name] == nil ? "ADDED" : "MODIFIED"
      state.objects[path, default: [:]][name] = json
      state.events.append((state.version, path, #"{"type":"\#(type)","object":\#(json)}"#))
    }
    state.wakeAll()
  }

  func delete(_ path: String, _ name: String, silently: Bool = false) {
    state.withLock { state in
      state.version += 1
      guard let json = state.objects[path]?.removeValue(forKey: name), !silently else { return }
      state.events.append((state.version, path, #"{"type":"DELETED","object":\#(json)}"#))
    }
    state.wakeAll()
  }

  /// Tells all watches of a path the present version.
  func bookmark(_ path: String) {
    state.withLock { state in
      state.version += 1
      let object = #"{"kind":"X","metadata":{"resourceVersion":"\#(state.version)"}}"#
      state.events.append((state.version, path, #"{"type":"BOOKMARK","object":\#(object)}"#))
    }
    state.wakeAll()
  }

  /// Forgets all versions before the present one.
  func expire(byEvent: Bool) {
    state.withLock { state in
      state.oldest = state.version + 1
      state.version += 1
      state.events = []
      state.expiresByEvent = byEvent
    }
  }

  /// Ends all watches; with a line that is not finished, the connection breaks in it.
  func cutWatches(within line: String? = nil) {
    state.withLock {
      $0.cuts += 1
      $0.cutLine = line
    }
    state.wakeAll()
  }

  func require(token: String?) { state.withLock { $0.token = token } }
  func mute(_ isMute: Bool) { state.withLock { $0.isMute = isMute } }

  func refuse(_ suffix: String, _ status: Int, times: Int = 1, headers: [String] = []) {
    state.withLock { $0.refusals += Array(repeating: (suffix, status, headers), count: times) }
  }

  /// Requests so far: `path?query`, the keys in order.
  var requests: [String] { state.withLock { $0.requests } }
  var watchCount: Int { state.withLock { $0.watches } }
  var version: Int { state.withLock { $0.version } }

  // MARK: The server's side

  private static func answer(
    _ request: ChunkServer.Request, _ answer: ChunkServer.Answer, _ state: Monitor<State>
  ) {
    let query = request.query.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: "&")
    let refusal: (status: Int, headers: [String])? = state.withLock { state in
      state.requests.append("\(request.path)?\(query)")
      if let place = state.refusals.firstIndex(where: { request.path.hasSuffix($0.suffix) }) {
        let refusal = state.refusals.remove(at: place)
        return (refusal.status, refusal.headers)
      }
      guard let token = state.token else { return nil }
      return request.headers["authorization"] == "Bearer \(token)" ? nil : (401, [])
    }
    if let refusal {
      answer.send(status: refusal.status, status(refusal.status), headers: refusal.headers)
    } else if request.query["watch"] == "1" || request.query["watch"] == "true" || request.query["watch"] == "True" {
      watch(request, answer, state)
    } else {
      list(request, answer, state)
    }
  }

  private static func status(_ code: Int) -> String {
    #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too bad","code":\#(code)}"#
  }

  private static func list(
    _ request: ChunkServer.Request, _ answer: ChunkServer.Answer, _ state: Monitor<State>
  ) {
    let body: String = state.withLock { state in
      let all = (state.objects[request.path] ?? [:]).sorted { $0.key < $1.key }
      // As the real one: a list of any version comes whole, whatever the limit.
      let isWhole = request.query["resourceVersion"] == "0"
      let start = request.query["continue"].flatMap { Int($0) } ?? 0
      let limit = isWhole ? all.count : min(2, Int(request.query["limit"] ?? "") ?? all.count)
      let end = min(all.count, start + max(1, limit))
      let items = all[min(start, end)..<end].map(\.value).joined(separator: ",")
      let next = end < all.count ? #","continue":"\#(end)""# : ""
      let kind = request.path.hasSuffix("pods") ? "Pod" : "Object"
      return #"{"kind":"\#(kind)List","apiVersion":"v1","metadata":{"resourceVersion":"\#(state.version)"\#(next)},"#
        + #""items":[\#(items)]}"#
    }
    answer.send(status: 200, body)
  }

  private static func watch(
    _ request: ChunkServer.Request, _ answer: ChunkServer.Answer, _ state: Monitor<State>
  ) {
    var seen = request.query["resourceVersion"].flatMap { Int($0) } ?? 0
    let (oldest, byEvent, cuts, isMute) = state.withLock { state in
      state.watches += 1
      return (state.oldest, state.expiresByEvent, state.cuts, state.isMute)
    }
    if seen < oldest {
      if !byEvent { return answer.send(status: 410, status(410)) }
      answer.beginChunks()
      answer.sendChunk(#"{"type":"ERROR","object":\#(status(410))}"# + "\n")
      return answer.endChunks()
    }
    answer.beginChunks()
    let seconds = request.query["timeoutSeconds"].flatMap { Int64($0) } ?? 300
    let end = Deadline(milliseconds: seconds * 1_000)
    while true {
      // What has happened is told before the watch is cut.
      let next = state.wait(until: Deadline(milliseconds: 50)) { state -> (Bool, String?, [(Int, String)])? in
        let events = isMute ? [] : state.events.filter { $0.path == request.path && $0.version > seen }
        if !events.isEmpty { return (false, nil, events.map { ($0.version, $0.line) }) }
        return state.cuts == cuts ? nil : (true, state.cutLine, [])
      }
      guard let (isCut, line, events) = next else {
        if answer.isGone { return }
        // One that is mute forgets to end, too.
        if end.isPassed && !isMute { return answer.endChunks() }
        continue
      }
      if isCut {
        if let line { answer.sendChunk(line) } else { answer.endChunks() }
        return
      }
      for (version, line) in events {
        seen = version
        if !answer.sendChunk(line + "\n") { return }
      }
    }
  }
}
