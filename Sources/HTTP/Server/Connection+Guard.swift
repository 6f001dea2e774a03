/// The part of a guard's verdict that waits for the body.
enum OpenCheck {
  case none
  case body(any BodyCheck)
  case queued(Executor, busy: Response, check: @Sendable (Request) -> Response?)

  var isNone: Bool { if case .none = self { true } else { false } }
}

/// Who may ask is decided when the head is there, also for paths that there are not: a stranger is not told which there are.
extension Connection {
  /// Called once for each request, with its route.
  func askGuard() {
    guard let requestGuard = core.options.requestGuard, !isReserved || refusal == nil else { return }
    switch requestGuard.admit(request) {
    case .passed: break
    case .refused(let response): refusal = response
    case .body(let check): openCheck = .body(check)
    case .queued(let executor, let busy, let check): openCheck = .queued(executor, busy: busy, check: check)
    }
  }
}
