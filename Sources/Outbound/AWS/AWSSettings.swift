/// The identity and the region that requests to AWS are made with: the keys that every section of the configuration about AWS
/// shares. Empty: found as AWS's own programs find it (`AWSKeyChain`, `AWSSession`).
package struct AWSSettings: Sendable, Equatable {
  package var region = ""
  /// Used only together with `secretKey`.
  package var accessKey = ""
  package var secretKey = ""
  /// A profile of the shared files.
  package var profile = ""
  /// A role to assume with the keys that are found.
  package var roleARN = ""
  package var externalID = ""

  package init() {}
}

/// Keys that sign requests. A value.
package struct AWSKeys: Sendable, Equatable {
  package var accessKey: String
  package var secretKey: String
  /// Sent along with the signature; empty for keys of a user.
  package var sessionToken = ""
  /// Milliseconds since 1970; nil for keys that do not expire.
  package var expiresMilliseconds: Int64?

  package init(
    accessKey: String, secretKey: String, sessionToken: String = "", expiresMilliseconds: Int64? = nil
  ) {
    self.accessKey = accessKey
    self.secretKey = secretKey
    self.sessionToken = sessionToken
    self.expiresMilliseconds = expiresMilliseconds
  }
}

/// A request to AWS that could not be made or was refused. `code` is that of the answer (`AuthFailure`).
package struct AWSError: Error, Sendable, Equatable, CustomStringConvertible {
  package var code = ""
  package var description: String

  package init(_ description: String, code: String = "") {
    self.description = description
    self.code = code
  }

  private static let identityCodes: Set<String> = [
    "AuthFailure", "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "InvalidClientTokenId",
    "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException", "ExpiredToken",
    "ExpiredTokenException", "RequestExpired",
  ]

  /// True if AWS does not take the keys, or they lack a right: other keys may do.
  package var isOfIdentity: Bool { Self.identityCodes.contains(code) }

  /// The same with words before it.
  package func within(_ prefix: String) -> AWSError { AWSError("\(prefix): \(description)", code: code) }
}

/// A question that long calls ask now and then: true if nobody wants their result any more.
package typealias Cancellation = @Sendable () -> Bool
