import Platform
import Synchronization

/// The verifier for the terms in force: another one once they change. Any thread.
final class SignatureVerifiers: Sendable {
  private let clock: any Clock
  private let present: Mutex<SignatureVerifier>

  init(clock: any Clock) {
    self.clock = clock
    present = Mutex(SignatureVerifier(SignatureOptions(), clock: clock))
  }

  func verifier(_ options: SignatureOptions) -> SignatureVerifier {
    present.withLock { present in
      if present.options != options { present = SignatureVerifier(options, clock: clock) }
      return present
    }
  }
}
