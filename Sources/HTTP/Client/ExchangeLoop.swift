import CShims
import Platform
import Synchronization

/// Many exchanges at once on one thread, over libcurl's multi interface; connections are kept for the next requests.
/// Any thread may start exchanges; completions run on the loop's thread, so they are short and wait for nothing.
package final class ExchangeLoop: Sendable {
  package typealias Completion = @Sendable (Result<ClientResponse, HTTPClientError>) -> Void

  package struct Limits: Sendable {
    /// Exchanges under way; each has a socket. More wait for their turn, and their time runs.
    package var exchangesMax = 2_048
    /// Exchanges that wait; more are refused.
    package var waitingMax = 100_000
    /// Connections kept, those in use among them.
    package var connectionsMax = 4_096

    package init() {}
  }

  private let core: LoopCore
  private let thread: NamedThread

  package init(name: String = "exchanges", limits: Limits = Limits()) throws(ThreadError) {
    let core = LoopCore(limits)
    self.core = core
    thread = try NamedThread(name: name) { core.run() }
  }

  deinit { core.close() }

  /// Starts an exchange. `then` is called exactly once, on the loop's thread; on the caller's where the loop has
  /// stopped or has too many.
  package func start(_ request: ClientRequest, _ options: HTTPClientOptions, then: @escaping Completion) {
    core.submit(LoopEntry(CurlExchange(request, options), then))
  }

  /// Gives up all exchanges (`cancelled`) and returns when the thread has ended. Not from a completion.
  package func stop() {
    core.close()
    thread.join()
  }

  /// Exchanges that have not ended.
  package var count: Int { core.count }
}

/// An exchange and who waits for it. Handed from the starting thread to the loop's, which alone touches it then.
private final class LoopEntry: Sendable {
  let exchange: CurlExchange
  let then: ExchangeLoop.Completion

  init(_ exchange: CurlExchange, _ then: @escaping ExchangeLoop.Completion) {
    self.exchange = exchange
    self.then = then
  }
}

/// The part that the loop's thread and the others share. The multi handle lives as long as anybody may wake it.
private final class LoopCore: @unchecked Sendable {
  private struct Shared {
    var arrived: [LoopEntry] = []
    var waiting = 0
    var isClosed = false
  }

  private static let pollMillisecondsMax: Int32 = 1_000
  private static let idleHandlesMax = 256

  private let limits: ExchangeLoop.Limits
  private let shared = Mutex(Shared())
  private let open = Atomic<Int>(0)
  private let multi: UnsafeMutableRawPointer?

  // Only the loop's thread.
  private var queue: [LoopEntry] = []
  private var queueStart = 0
  private var active: [UnsafeMutableRawPointer: (entry: LoopEntry, handle: CurlHandle)] = [:]
  private var handles: [CurlHandle] = []

  init(_ limits: ExchangeLoop.Limits) {
    self.limits = limits
    // The first handle makes libcurl's state.
    if let handle = CurlHandle() { handles.append(handle) }
    multi = handles.isEmpty ? nil : curl_multi_init()
    guard let multi else { return }
    apus_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, limits.connectionsMax)
  }

  deinit {
    handles.removeAll()
    if let multi { curl_multi_cleanup(multi) }
  }

  var count: Int { open.load(ordering: .relaxed) }

  func submit(_ entry: LoopEntry) {
    let refusal: HTTPClientError? = shared.withLock { shared in
      if shared.isClosed { return .cancelled }
      if shared.waiting >= limits.waitingMax { return .failed("too many requests wait") }
      shared.waiting += 1
      shared.arrived.append(entry)
      return nil
    }
    if let refusal { return entry.then(.failure(refusal)) }
    open.add(1, ordering: .relaxed)
    if let multi { curl_multi_wakeup(multi) }
  }

  func close() {
    shared.withLock { $0.isClosed = true }
    if let multi { curl_multi_wakeup(multi) }
  }

  func run() {
    while true {
      let (arrived, isClosed) = shared.withLock { shared in
        defer { shared.arrived = [] }
        return (shared.arrived, shared.isClosed)
      }
      queue += arrived
      guard !isClosed, let multi else { return giveUp() }
      startWaiting(multi)
      var running: Int32 = 0
      curl_multi_perform(multi, &running)
      let ended = takeEnded(multi)
      // What has ended made room.
      if ended && queueStart < queue.count { continue }
      curl_multi_poll(multi, nil, 0, Self.pollMillisecondsMax, nil)
    }
  }

  private func startWaiting(_ multi: UnsafeMutableRawPointer) {
    var taken = 0
    while queueStart < queue.count, active.count < limits.exchangesMax {
      let entry = queue[queueStart]
      queueStart += 1
      taken += 1
      guard let handle = handles.popLast() ?? CurlHandle() else {
        end(entry, .failure(.failed("out of memory")))
        continue
      }
      begin(entry, handle, multi)
    }
    if queueStart == queue.count || queueStart > 4_096 {
      queue.removeFirst(queueStart)
      queueStart = 0
    }
    if taken > 0 { shared.withLock { $0.waiting -= taken } }
  }

  private func begin(_ entry: LoopEntry, _ handle: CurlHandle, _ multi: UnsafeMutableRawPointer) {
    do throws(HTTPClientError) {
      try entry.exchange.begin(handle)
      guard curl_multi_add_handle(multi, handle.easy) == CURLM_OK else { throw .failed("out of memory") }
      active[handle.easy] = (entry, handle)
    } catch {
      release(handle)
      end(entry, .failure(error))
    }
  }

  /// True if an exchange has ended.
  private func takeEnded(_ multi: UnsafeMutableRawPointer) -> Bool {
    var hasEnded = false
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
        let (entry, handle) = active[easy]
      else { continue }
      let step = entry.exchange.finish(handle, message.pointee.data.result)
      curl_multi_remove_handle(multi, easy)
      active[easy] = nil
      switch step {
      case .again:
        handle.reset()
        begin(entry, handle, multi)
      case .done(let result):
        release(handle)
        end(entry, result)
      }
      hasEnded = true
    }
    return hasEnded
  }

  private func release(_ handle: CurlHandle) {
    handle.reset()
    if handles.count < Self.idleHandlesMax { handles.append(handle) }
  }

  private func end(_ entry: LoopEntry, _ result: Result<ClientResponse, HTTPClientError>) {
    open.subtract(1, ordering: .relaxed)
    entry.then(result)
  }

  private func giveUp() {
    for (entry, handle) in active.values {
      if let multi { curl_multi_remove_handle(multi, handle.easy) }
      handle.reset()
      end(entry, .failure(.cancelled))
    }
    active.removeAll()
    for entry in queue[queueStart...] { end(entry, .failure(.cancelled)) }
    queue.removeAll()
    queueStart = 0
  }
}
