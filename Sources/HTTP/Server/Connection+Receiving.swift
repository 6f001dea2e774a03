import CShims
import Glibc
import Platform

/// From the end of the headers to the end of the body: what is refused is refused before it is read.
extension Connection {
  /// The headers are complete. Chooses the route, checks the limits that need no body.
  func receiveHead(
    method: UnsafePointer<CChar>?, target: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?
  ) -> MHD_Result {
    stage = .receiving
    finishHead()
    let head = readHead(method: method, target: target, version: version)
    request.peer = peer
    request.isSecure = core.isTLS
    if core.isTLS { request.clientNames = clientNames }
    endsWithStream = version.map { strcmp($0, "HTTP/1.0") == 0 } ?? false
    var hasBody = false
    switch head {
    case .malformed(let reason):
      core.metrics.reject(.malformed)
      return refuseAtOnce(badRequest(reason))
    case .tooLarge:
      core.metrics.reject(.headerTooLarge)
      return refuseAtOnce(.text(431, "the request headers exceed \(limits.headerBytesMax) bytes"))
    case .noBody: break
    case .sized(let bytes):
      hasBody = bytes > 0
      expectedBodyBytes = bytes
    case .chunked: hasBody = true
    }
    route()
    askGuard()
    if hasBody, refusal == nil { checkBody() }
    if !hasBody { return phase.enter(.running) ? .YES : .NO }
    // While the guard's verdict is open, the body is taken even so: it may have to say no first.
    if refusal != nil, openCheck.isNone || (expectedBodyBytes ?? 0) > limits.discardBytesMax,
      isReserved || request.header("expect", is: "100-continue")
        || (expectedBodyBytes ?? 0) > limits.discardBytesMax
    {
      return respond(refusal ?? badRequest("refused"))
    }
    let limit = request.route?.limits.bodyMillisecondsMax ?? limits.bodyMillisecondsMax
    let deadline = SystemClock().monotonicNanoseconds() / 1_000_000 + Int64(limit)
    return phase.enter(.body, deadlineMilliseconds: deadline) ? .YES : .NO
  }

  /// A piece of the body.
  func receiveBody(_ piece: UnsafeRawBufferPointer) -> MHD_Result {
    if case .body(let check) = openCheck { check.take(piece) }
    if refusal != nil { return discard(piece.count) }
    let limit = request.route?.limits.bodyBytesMax ?? limits.bodyBytesMax
    if request.body.count + piece.count > limit {
      refuseBody(limit)
      return discard(piece.count)
    }
    switch request.appendBody(piece, expected: expectedBodyBytes) {
    case .taken: return .YES
    case .tooManyInFlight, .noMemory:
      refuseInFlight()
      return discard(piece.count)
    }
  }

  private func discard(_ bytes: Int) -> MHD_Result {
    request.releaseBody()
    discardedBytes += bytes
    if discardedBytes <= limits.discardBytesMax { return .YES }
    // The library cannot answer in the middle of a body.
    if phase.enter(.sending) {
      status = 413
      cut(status: BareAnswer.tooLarge)
    }
    return .NO
  }

  private enum Head {
    case noBody
    case sized(Int)
    case chunked
    case malformed(String)
    case tooLarge
  }

  private func readHead(
    method: UnsafePointer<CChar>?, target: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?
  ) -> Head {
    if let method {
      request.method = HTTPMethods(name: UnsafeRawBufferPointer(start: method, count: strlen(method)))
    }
    // The library hands text over up to a NUL; the version's place tells how long the target really was.
    if let target, let version, request.head.targetCount > 0,
      UnsafeRawPointer(version) - UnsafeRawPointer(target) != request.head.targetCount + 1
    {
      return .malformed("the request target holds a NUL")
    }
    let context = Unmanaged.passUnretained(self).toOpaque()
    MHD_get_connection_values_n(handle, .HEADER_KIND, addHeader, context)
    if apus_mhd_header_bytes(handle) > limits.headerBytesMax { return .tooLarge }
    guard request.head.splitPath() else { return .malformed("the request target is malformed") }
    return switch request.head.framing {
    case .none: .noBody
    case .sized(let bytes): .sized(bytes)
    case .chunked: .chunked
    case .malformed(let reason): .malformed(reason)
    }
  }

  private func route() {
    switch core.router.resolve(request) {
    case .route(let route):
      request.route = route
      metrics = core.metrics.of(route)
      if isReserved && !route.isForOperators {
        core.metrics.reject(.connections)
        refusal = .text(503, "too many connections are open").retryAfter(seconds: limits.retryAfterSeconds)
      }
    case .refused(let response): refusal = response
    }
  }

  private func checkBody() {
    let limit = request.route?.limits.bodyBytesMax ?? limits.bodyBytesMax
    let bytes = expectedBodyBytes ?? 0
    if bytes > limit {
      refuseBody(limit)
    } else if !request.reserveBody(bytes) {
      refuseInFlight()
    }
  }

  private func refuseBody(_ limit: Int) {
    core.metrics.reject(.bodyTooLarge)
    refusal = .text(413, "the request body exceeds the limit of \(limit) bytes")
  }

  private func refuseInFlight() {
    core.metrics.reject(.bodiesInFlight)
    refusal = .text(503, "too many request bodies in flight").retryAfter(seconds: limits.retryAfterSeconds)
  }

  private func badRequest(_ reason: String) -> Response {
    var response = Response.text(400, "bad request: \(reason)")
    response.closesConnection = true
    return response
  }

  /// The connection ends with this answer: where the next request would begin is not known.
  private func refuseAtOnce(_ response: Response) -> MHD_Result {
    guard phase.enter(.running) else { return .NO }
    return respond(response)
  }
}

private func addHeader(
  context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?, nameCount: Int,
  value: UnsafePointer<CChar>?, valueCount: Int
) -> MHD_Result {
  guard let context else { return .NO }
  Unmanaged<Connection>.fromOpaque(context)._withUnsafeGuaranteedRef { connection in
    if connection.hiddenFieldCount > 0 {
      connection.hiddenFieldCount -= 1
      return
    }
    connection.request.head.addField(
      name: UnsafeRawBufferPointer(start: name, count: nameCount),
      value: UnsafeRawBufferPointer(start: value, count: valueCount))
  }
  return .YES
}
