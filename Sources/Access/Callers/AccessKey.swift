/// The key pair with which a principal signs. Its secret is shown nowhere.
package struct AccessKey: Sendable {
  package var id: String
  package var secret: String
  /// Compared where it is set.
  package var sessionToken: String?
  /// Milliseconds since 1970; nil: it does not end.
  package var notAfter: Int64?
  package var principal: Principal
  /// Another one for each reading of the file that it comes from: what was derived from a key ends with it.
  package var generation: UInt64

  package init(
    id: String, secret: String, sessionToken: String? = nil, notAfter: Int64? = nil, principal: Principal,
    generation: UInt64
  ) {
    self.id = id
    self.secret = secret
    self.sessionToken = sessionToken
    self.notAfter = notAfter
    self.principal = principal
    self.generation = generation
  }
}

/// The source of the keys that are in force. Any thread; never waits.
package protocol AccessKeys: Sendable {
  func accessKey(_ id: String) -> AccessKey?
}
