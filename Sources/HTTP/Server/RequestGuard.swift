/// Decides who may ask, when the head of a request is there and before any of its body is taken. Any thread.
package protocol RequestGuard: Sendable {
  /// Called once for each request, on the connection's thread; it must not wait. The route of the request is known, or
  /// there is none.
  func admit(_ request: Request) -> Admission
}

/// The verdict on a request whose head is there.
package enum Admission: Sendable {
  case passed
  /// The body is dropped unread.
  case refused(Response)
  /// The body decides: it is shown as it arrives.
  case body(any BodyCheck)
  /// The verdict takes long: it is asked for on the executor's thread, once the body is there, and the connection waits.
  /// `busy` is the answer where the executor has no room. `check` gives the answer of a refusal, nil where the request
  /// passes.
  case queued(Executor, busy: Response, check: @Sendable (Request) -> Response?)
}

/// Sees the body of one request as it arrives. One thread at a time.
package protocol BodyCheck: AnyObject, Sendable {
  func take(_ piece: UnsafeRawBufferPointer)
  /// The body is complete, or there is none. Gives the answer of a refusal, nil where the request passes.
  func finish(_ request: Request) -> Response?
}

/// The one who asks, as a guard has found out.
package protocol RequestCaller: Sendable {
  /// For logs and the lists of running queries; no secret.
  var name: String { get }
}
