import HTTP

/// The way requests to other servers are made: the keys that every section of the configuration with requests shares.
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
  /// The addresses that may be connected to, also behind names and redirects.
  package var reach = AddressReach.everything

  package init() {}
}

/// A text that the configuration gives, or a file that is read, and trimmed, at each request.
package enum Secret: Sendable, Equatable {
  case text(String)
  case file(String)

  package var isEmpty: Bool { self == .text("") }

  /// A file's path is that of the configuration's directory unless it is absolute.
  package mutating func setDirectory(_ directory: String) {
    guard case .file(let path) = self, !path.hasPrefix("/"), !directory.isEmpty else { return }
    self = .file(directory.hasSuffix("/") ? directory + path : directory + "/" + path)
  }
}

package struct HeaderSetting: Sendable, Equatable {
  package var name: String
  package var values: [Secret]
  /// Values that no other host may see.
  package var secrets: [Secret]

  package init(name: String, values: [Secret], secrets: [Secret] = []) {
    self.name = name
    self.values = values
    self.secrets = secrets
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
  /// The grant that needs a signature with a private key, which this client does not make.
  package static let signedGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"

  package var clientID = ""
  package var clientSecret = Secret.text("")
  package var scopes: [String] = []
  package var tokenURL = ""
  package var endpointParameters: [String: String] = [:]
  package var tls = TLSSettings()
  package var proxy = ProxySettings()

  package init() {}
}

extension ClientSettings {
  /// Files whose path is not absolute are those of this directory: that of the configuration.
  package mutating func setDirectory(_ directory: String) {
    switch credentials {
    case .none: break
    case .basic(var user, var password):
      user.setDirectory(directory)
      password.setDirectory(directory)
      credentials = .basic(user: user, password: password)
    case .authorization(let type, var text):
      text.setDirectory(directory)
      credentials = .authorization(type: type, credentials: text)
    case .oauth2(var settings):
      settings.clientSecret.setDirectory(directory)
      settings.tls.setDirectory(directory)
      credentials = .oauth2(settings)
    }
    tls.setDirectory(directory)
    for header in headers.indices {
      for value in headers[header].secrets.indices { headers[header].secrets[value].setDirectory(directory) }
    }
  }
}

extension TLSSettings {
  package mutating func setDirectory(_ directory: String) {
    authority?.setDirectory(directory)
    certificate?.setDirectory(directory)
    key?.setDirectory(directory)
  }
}
