import Glibc

/// The variables that say which proxy is used, as the process was started with them.
package enum ProxyEnvironment {
  package static let variables: [String: String] = {
    var variables: [String: String] = [:]
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "REQUEST_METHOD"] {
      if let value = unsafe getenv(name) { unsafe variables[name] = String(cString: value) }
    }
    return variables
  }()
}
