import CShims
import Platform

/// From a complete request to its queued answer: runs the handler here, or hands the request to a worker and waits
/// suspended.
extension Connection {
  /// The request is complete.
  func run() -> MHD_Result {
    guard phase.enter(.running) else { return .NO }
    request.completeNanoseconds = SystemClock().monotonicNanoseconds()
    if let refusal { return respond(refusal) }
    guard let route = request.route else { return .NO }
    if !request.isFormWellFormed {
      core.metrics.reject(.malformed)
      return respond(.text(400, "bad request: the form body is malformed"))
    }
    switch route.run {
    case .inline: return respond(collected(route.handler(request)))
    case .queued(let executor): return enqueue(route, executor)
    }
  }

  private func enqueue(_ route: Route, _ executor: Executor) -> MHD_Result {
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
    let accepted = executor { [self] in QueuedRun(core: core, connection: self, request: request).run(route) }
    if !accepted {
      core.metrics.reject(.queueFull)
      _ = request.answer.give(
        (route.limits.busyResponse ?? core.options.busyResponse).retryAfter(seconds: limits.retryAfterSeconds))
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
