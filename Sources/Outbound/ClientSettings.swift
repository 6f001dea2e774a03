/// How requests to other servers are made: the keys that every section of the configuration with requests shares.
package struct ClientSettings: Sendable, Equatable {
  package enum Credentials: Sendable, Equatable {
    case none
    case basic(user: Secret, password: Secret)
    /// `Authorization: type credentials`.
    case authorization(type: String, credentials: Secret)
    case oauth2(OAuth2Settings)
  }

  package var credentials = Credentials.none
  package var tls = TLSSettings()
  package var proxy = ProxySettings()
  package var followsRedirects = true
  package var isHTTP2Enabled = true
  /// Added to each request.
  package var headers: [HeaderSetting] = []

  package init() {}
}

/// A text that the configuration gives, or a file that is read, and trimmed, at each request.
package enum Secret: Sendable, Equatable {
  case text(String)
  case file(String)
}

package struct HeaderSetting: Sendable, Equatable {
  package var name: String
  package var values: [Secret]

  package init(name: String, values: [Secret]) {
    self.name = name
    self.values = values
  }
}

package struct TLSSettings: Sendable, Equatable {
  package enum Version: Int, Sendable { case tls10 = 10, tls11, tls12, tls13 }

  /// Certificates to trust instead of the system's.
  package var authority: Secret?
  package var certificate: Secret?
  package var key: Secret?
  /// The name that the certificate must be of; empty: the host's.
  package var serverName = ""
  package var isInsecure = false
  package var versionMin: Version?
  package var versionMax: Version?

  package init() {}
}

package struct ProxySettings: Sendable, Equatable {
  /// Empty: none, or that of the environment.
  package var url = ""
  /// Hosts that need none, separated by commas.
  package var exceptions = ""
  package var isFromEnvironment = false
  /// Sent with CONNECT.
  package var connectHeaders: [HeaderSetting] = []

  package init() {}
}

package struct OAuth2Settings: Sendable, Equatable {
  package var clientID = ""
  package var clientSecret = Secret.text("")
  package var scopes: [String] = []
  package var tokenURL = ""
  package var endpointParameters: [String: String] = [:]
  /// `urn:ietf:params:oauth:grant-type:jwt-bearer`; empty: client credentials.
  package var grantType = ""
  package var certificateKey: Secret?
  package var certificateKeyID = ""
  package var signatureAlgorithm = ""
  package var issuer = ""
  package var audience = ""
  package var claims: [String: String] = [:]
  package var tls = TLSSettings()
  package var proxy = ProxySettings()

  package init() {}
}
