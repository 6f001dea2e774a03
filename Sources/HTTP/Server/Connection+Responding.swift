import CShims

/// From a complete request to its queued answer: runs the handler here, or hands the request to a worker and waits
/// suspended.
extension Connection {
  /// The request is complete.
  func run() -> MHD_Result {
    guard phase.enter(.running) else { return .NO }
    request.completeNanoseconds = MonotonicTime.nanoseconds()
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
      _ = request.answer.give(core.options.busyResponse.retryAfter(seconds: limits.retryAfterSeconds))
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
    let pipe = worker.withLock { $0?.pipe }
    guard let assembled = ResponseAssembly(response, for: self, pipe: pipe) else { return .NO }
    status = response.status
    let result = MHD_queue_response(handle, UInt32(response.status), assembled.response)
    MHD_destroy_response(assembled.response)
    return result
  }

  /// An inline handler's pieces, gathered.
  private func collected(_ response: Response) -> Response {
    guard case .written(let writing) = response.body else { return response }
    let writer = ResponseWriter(collectingFor: request)
    do throws(StreamFailure) {
      try writing(writer)
    } catch {
      core.log.warn("an answer could not be made", ["path": request.path, "reason": "\(error)"])
      return .text(500, "the answer could not be made")
    }
    var response = response
    let memory = OwnedBytes(writer.takeCollected())
    response.body = .lent(memory.bytes, owner: memory)
    return response
  }
}

/// A worker's side of a queued request.
struct QueuedRun {
  let core: ServerCore
  let connection: Connection
  let request: Request

  func run(_ route: Route) {
    if request.isCancelled {
      // 499: nobody reads it, but the connection must be woken and the request counted.
      _ = request.answer.give(Response(status: 499))
      return
    }
    let response = route.handler(request)
    guard case .written(let writing) = response.body else {
      _ = request.answer.give(response)
      return
    }
    if request.method == .head {
      _ = request.answer.give(response)
      return
    }
    write(response, writing)
  }

  private func write(_ response: Response, _ writing: BodyWriting) {
    let pipe = ResponsePipe(
      bytesMax: core.options.pipeBytesMax, stallMillisecondsMax: core.options.pipeStallMillisecondsMax)
    let attached = connection.worker.withLock { worker in
      guard worker?.request === request else { return false }
      worker?.pipe = pipe
      return true
    }
    guard attached else { return }
    let compressor = core.compressor(for: response, to: request)
    var response = response
    if let compressor {
      response.headers += [("Content-Encoding", compressor.encoding.name.description), ("Vary", "Accept-Encoding")]
    }
    defer { if let compressor { core.compressors.give(compressor) } }
    guard request.answer.give(response) else { return }
    let writer = ResponseWriter(pipe: pipe, compressor: compressor, request: request)
    do throws(StreamFailure) {
      try writing(writer)
      try writer.finish()
      pipe.close(failed: false)
    } catch {
      if case .failed(let reason) = error {
        core.log.warn("an answer was cut short", ["path": request.path, "reason": reason])
      }
      pipe.close(failed: true)
    }
  }
}
