import Format
import HTTP
import Platform
import Synchronization

/// The result of looking at the head of a request for a signature.
package enum SignatureStart: Sendable {
  /// It carries none.
  case absent
  case refused(AccessRefusal)
  /// All that needs no body is well: the rest follows with it.
  case check(SignatureCheck)
}

/// A signature whose body is arriving. One thread at a time.
package final class SignatureCheck: @unchecked Sendable {
  /// The key's.
  package let principal: Principal

  init(principal: Principal) { self.principal = principal }

  package func take(_ piece: UnsafeRawBufferPointer) {}

  /// Nil: the signature is right.
  package func finish(_ request: Request) -> AccessRefusal? {
    AccessRefusal(.wrongSignature, type: "InvalidSignatureException", "signatures are not verified yet")
  }
}

/// The terms under which signatures are taken.
package struct SignatureOptions: Sendable, Equatable {
  /// Nil: any.
  package var region: String?
  package var takesEmptyService = true
  package var takesPresigned = false
  package var takesUnsignedPayload = false
  /// How far the clocks may be apart.
  package var skewMilliseconds: Int64 = 5 * 60_000

  package init() {}
}

/// Verifies AWS Signature Version 4 of requests to the service `aps`. Any thread.
package final class SignatureVerifier: Sendable {
  let options: SignatureOptions
  let clock: any Clock

  package init(_ options: SignatureOptions, clock: any Clock) {
    self.options = options
    self.clock = clock
  }

  package func begin(_ request: Request, keys: any AccessKeys) -> SignatureStart { .absent }
}
