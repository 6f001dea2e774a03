import CShims
import Platform

/// From a complete request to its queued answer: runs the handler here, or hands the request to a worker and waits
/// suspended.
extension Connection {
  /// The request is complete.
  func run() -> MHD_Result {
    guard phase.enter(.running) else { return .NO }
    request.completeNanoseconds = SystemClock().monotonicNanoseconds()
    switch openCheck {
    case .none: break
    case .body(let check): if let refused = check.finish(request) { return respond(refused) }
    case .queued(let executor, let busy, let check): return enqueue(executor, busy: busy) { $0.run(check) }
    }
    if let refusal { return respond(refusal) }
    guard let route = request.route else { return .NO }
    if let malformed = malformedForm() { return respond(malformed) }
    switch route.run {
    case .inline: return respond(collected(route.handler(request)))
    case .queued(let executor): return enqueue(executor, busy: busyResponse(route)) { $0.run(route) }
    }
  }

  /// The answer to a form that is none.
  func malformedForm() -> Response? {
    if request.isFormWellFormed { return nil }
    core.metrics.reject(.malformed)
    return .text(400, "bad request: the form body is malformed")
  }

  /// The answer where there is no room for one more request of the route.
  func busyResponse(_ route: Route) -> Response {
    (route.limits.busyResponse ?? core.options.busyResponse).retryAfter(seconds: limits.retryAfterSeconds)
  }

  private func enqueue(
    _ executor: Executor, busy: Response, _ work: @escaping @Sendable (QueuedRun) -> Void
  ) -> MHD_Result {
    guard phase.enter(.queued) else { return .NO }
    // A stopping server looks at phases after it began to refuse: one of the two sees the other.
    if core.isRefusing.load(ordering: .sequentiallyConsistent) {
      core.metrics.reject(.stopping)
      return respond(core.stoppingResponse)
    }
    stage = .queued
    let request = request
    worker.withLock { $0 = (request, nil) }
    request.answer.suspend(self)
    let core = core
    let accepted = executor { [self] in work(QueuedRun(core: core, connection: self, request: request)) }
    if !accepted {
      core.metrics.reject(.queueFull)
      _ = request.answer.give(busy)
    }
    return .YES
  }

  /// The connection runs again after it was suspended.
  func resumeQueued() -> MHD_Result {
    guard let response = request.answer.take() else { return .YES }
    return respond(response)
  }

  /// Queues the answer. The one place where a response meets the library.
  func respond(_ response: Response) -> MHD_Result {
    guard phase.enter(.sending) else { return .NO }
    stage = .responded
    let stream = worker.withLock { $0?.stream }
    guard let assembled = ResponseAssembly(response, for: self, stream: stream) else { return .NO }
    status = response.status
    lease = response.lease
    let result = MHD_queue_response(handle, UInt32(response.status), assembled.response)
    MHD_destroy_response(assembled.response)
    return result
  }

  /// An inline handler's pieces, gathered.
  private func collected(_ response: Response) -> Response {
    guard case .pieces(_, let pieces) = response.body else { return response }
    let writer = ResponseWriter(for: request)
    do throws(StreamError) {
      while try pieces(writer) == .more {}
    } catch {
      core.log.warn("an answer could not be made", ["path": request.path, "reason": "\(error)"])
      return .text(500, "the answer could not be made")
    }
    return response.with(staged: writer)
  }
}

extension Response {
  /// With all that was written as its body.
  func with(staged writer: ResponseWriter) -> Response {
    var response = self
    let memory = OwnedBytes(writer.takeStaged())
    response.body = .lent(memory.bytes, owner: memory)
    return response
  }
}
