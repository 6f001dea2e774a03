/// A worker's side of a queued request: its handler, and as much of the answer as its client can be ahead. The worker then
/// is free, however long the client takes.
struct QueuedRun {
  let core: ServerCore
  let connection: Connection
  let request: Request

  func run(_ route: Route) {
    answer(route)
    core.options.memoryFreed()
  }

  /// Completes the guard's verdict, then goes on as if it had been there from the start. Inline handlers are short: they
  /// run here.
  func run(_ check: @Sendable (Request) -> Response?) {
    if request.isCancelled { return give(Response(status: 499)) }
    if let refused = check(request) ?? connection.refusal ?? connection.malformedForm() { return give(refused) }
    guard let route = request.route else { return give(Response(status: 499)) }
    switch route.run {
    case .inline: answer(route)
    case .queued(let executor):
      if executor({ run(route) }) { return }
      core.metrics.reject(.queueFull)
      _ = request.answer.give(connection.busyResponse(route))
    }
  }

  private func answer(_ route: Route) {
    if request.isCancelled {
      // 499: nobody reads it, but the connection must be woken and the request counted.
      _ = request.answer.give(Response(status: 499))
      return
    }
    var response = route.handler(request)
    if request.method != .head, case .pieces(_, let pieces) = response.body {
      let writer = ResponseWriter(for: request)
      do throws(StreamError) {
        // A small answer is sent as a whole.
        while writer.stagedCount < ResponseWriter.stageBytes {
          if try pieces(writer) == .more { continue }
          return give(compressed(response.with(staged: writer)))
        }
      } catch {
        return giveUp(error)
      }
      guard let lease = lease(response.heldBytes) else { return refuse() }
      response.lease = lease
      return stream(response, pieces, writer)
    }
    give(response)
  }

  /// An answer whose size is known.
  private func give(_ response: Response) {
    var response = response
    guard let lease = lease(response.heldBytes) else { return refuse() }
    response.lease = lease
    _ = request.answer.give(response)
  }

  /// Compressed here, so that the connection's thread need not.
  private func compressed(_ response: Response) -> Response {
    guard case .lent(let bytes, _) = response.body, bytes.count >= core.options.gzipBytesMin,
      let compressor = core.compressor(for: response, to: request)
    else { return response }
    defer { core.compressors.give(compressor) }
    var output = ByteStore()
    guard compressor.compress(bytes, into: &output, finish: true) else { return response }
    let memory = OwnedBytes(output.take())
    var response = response
    response.body = .lent(memory.bytes, owner: memory)
    response.headers += [("Content-Encoding", compressor.encoding.name.description), ("Vary", "Accept-Encoding")]
    response.mayCompress = false
    return response
  }

  /// Its share of the memory for answers; nil when the request is given up before there is room.
  private func lease(_ bytes: Int) -> AnswerLease? {
    core.answers.take(bytes, unless: { request.isCancelled })
  }

  private func refuse() {
    core.metrics.reject(.answers)
    let response = Response.text(503, "too many answers wait for their clients")
    _ = request.answer.give(response.retryAfter(seconds: core.options.retryAfterSeconds))
  }

  private func giveUp(_ failure: StreamError) {
    guard case .failed(let reason) = failure else {
      // Nobody reads it.
      _ = request.answer.give(Response(status: 499))
      return
    }
    core.log.warn("an answer could not be made", ["path": request.path, "reason": reason])
    _ = request.answer.give(.text(500, "the answer could not be made: \(reason)"))
  }

  private func stream(_ response: Response, _ pieces: @escaping BodyPieces, _ writer: ResponseWriter) {
    let stream = AnswerStream(pieces, begunWith: writer, for: request, core: core)
    let attached = connection.worker.withLock { worker in
      guard worker?.request === request else { return false }
      worker?.stream = stream
      return true
    }
    guard attached else { return }
    var response = response
    if let compressor = core.compressor(for: response, to: request) {
      response.headers += [("Content-Encoding", compressor.encoding.name.description), ("Vary", "Accept-Encoding")]
      writer.compress(with: compressor)
    }
    guard request.answer.give(response) else { return stream.abandon() }
    stream.produce()
  }
}
