import Format

/// All principals of a credentials file, by what they show. A value.
package struct CredentialIndex: Sendable {
  package struct User: Sendable, Equatable {
    package var hash: String
    package var principal: Principal
  }

  package var principals: [Principal] = []
  package var keys: [String: AccessKey] = [:]
  /// By the SHA-256 of the token.
  package var bearers: [[UInt8]: Principal] = [:]
  package var users: [String: User] = [:]
  /// By a name of a client's certificate.
  package var certificates: [String: Principal] = [:]
  package var signatures = SignatureOptions()

  package init() {}
}
