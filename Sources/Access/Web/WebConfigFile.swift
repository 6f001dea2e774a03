import Format
import HTTP
import Model
import Platform

/// Reads a web configuration file: strictly, in the words of the exporter toolkit where it has any. Pure.
package enum WebConfigFile {
  package static let bytesMax = 1 << 20

  package static func read(_ bytes: [UInt8], path: String) throws(AccessFileError) -> WebConfig {
    let root: YAMLNode
    do throws(YAMLError) {
      root = try YAMLDocument.parse(bytes, limits: .init(bytesMax: bytesMax, depthMax: 8, nodesMax: 100_000)).root
    } catch {
      throw AccessFileError("\(path):\(error)")
    }
    var reader = WebConfigReader(path: path)
    reader.read(root)
    if !reader.faults.isEmpty { throw AccessFileError(reader.faults) }
    return reader.config
  }
}

/// Gathers settings and all that is wrong. Used for one document.
private struct WebConfigReader {
  private static let faultsMax = 50

  let path: String
  var config = WebConfig()
  var faults: [String] = []

  private mutating func fault(_ position: YAMLPosition, _ text: String) {
    if faults.count < WebConfigReader.faultsMax {
      faults.append("\(path):\(position.line):\(position.column): \(text)")
    }
  }

  mutating func read(_ root: YAMLNode) {
    let keys = ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"]
    let entries = section(root, "web.Config", keys)
    if let node = entries["tls_server_config"] { tls(node) }
    if let node = entries["http_server_config"] { http(node) }
    if let node = entries["basic_auth_users"] { users(node) }
    if let node = entries["rate_limit"] { rateLimit(node) }
  }

  private static let tlsKeys = [
    "cert", "cert_file", "key", "key_file", "client_auth_type", "client_ca", "client_ca_file", "client_allowed_sans",
    "min_version", "max_version", "cipher_suites", "curve_preferences", "prefer_server_cipher_suites",
  ]

  private mutating func tls(_ node: YAMLNode) {
    let entries = section(node, "web.TLSConfig", WebConfigReader.tlsKeys)
    let certificate = source(entries["cert_file"], entries["cert"])
    let key = source(entries["key_file"], entries["key"])
    let authority = source(entries["client_ca_file"], entries["client_ca"])
    let policy = text(entries["client_auth_type"]) ?? ""
    // These are read without TLS too, so that their mistakes are found.
    let options = tlsOptions(entries, at: node.position)
    if certificate == nil && key == nil && authority == nil && policy.isEmpty { return }
    guard let certificate else { return fault(node.position, "missing one of cert or cert_file") }
    guard let key else { return fault(node.position, "missing one of key or key_file") }
    var tls = WebConfig.TLS(certificate: certificate, key: key, clientAuthority: authority, options: options)
    // Both names are one policy of Go's.
    let name = policy == "RequireClientCert" ? "RequireAnyClientCert" : policy
    if let known = TLSServerOptions.ClientCertificates(rawValue: name.isEmpty ? "NoClientCert" : name) {
      tls.options.clientCertificates = known
      if authority != nil && known == .none {
        fault(node.position, "client CA's have been configured without a Client Auth Policy")
      }
      if known.verifies && authority == nil {
        fault(node.position, "client_auth_type \(name) needs client_ca_file: without it no certificate can be verified")
      }
    } else {
      fault(entries["client_auth_type"]?.position ?? node.position, "invalid ClientAuth: \(policy)")
    }
    config.tls = tls
  }

  private mutating func tlsOptions(_ entries: [String: YAMLNode], at position: YAMLPosition) -> TLSServerOptions {
    var options = TLSServerOptions()
    options.allowedNames = list(entries["client_allowed_sans"])
    if let version = version(entries["min_version"]) { options.versionMin = version }
    if let version = version(entries["max_version"]) { options.versionMax = version }
    if options.versionMin.rawValue > options.versionMax.rawValue {
      fault(position, "min_version is above max_version: no client could connect")
    }
    for name in list(entries["cipher_suites"]) {
      if let suite = TLSCipherSuite(name) {
        options.ciphers.append(suite)
      } else {
        fault(entries["cipher_suites"]?.position ?? position, "unknown cipher: \(name)")
      }
    }
    for name in list(entries["curve_preferences"]) {
      if let curve = TLSCurve(rawValue: name) {
        options.curves.append(curve)
      } else {
        fault(entries["curve_preferences"]?.position ?? position, "unknown curve: \(name)")
      }
    }
    options.prefersOwnOrder = flag(entries["prefer_server_cipher_suites"]) ?? true
    return options
  }

  private mutating func version(_ node: YAMLNode?) -> TLSServerOptions.Version? {
    guard let node, let name = text(node) else { return nil }
    switch name {
    case "TLS10": return .tls10
    case "TLS11": return .tls11
    case "TLS12": return .tls12
    case "TLS13": return .tls13
    default:
      fault(node.position, "unknown TLS version: \(name)")
      return nil
    }
  }

  /// Names and the values that they may have; none: any.
  private static let headers: [(name: String, values: [String])] = [
    ("Strict-Transport-Security", []), ("X-Content-Type-Options", ["nosniff"]),
    ("X-Frame-Options", ["deny", "sameorigin"]), ("X-XSS-Protection", []), ("Content-Security-Policy", []),
  ]

  private mutating func http(_ node: YAMLNode) {
    let entries = section(node, "web.HTTPConfig", ["http2", "headers"])
    // Connections speak HTTP/1.1, which every client of HTTP/2 does as well.
    _ = flag(entries["http2"])
    guard let node = entries["headers"] else { return }
    guard case .mapping(let headers) = node.content else {
      return fault(node.position, "headers: a section is needed, not \(node.kindText)")
    }
    for entry in headers {
      guard let known = WebConfigReader.headers.first(where: { $0.name == entry.key }) else {
        fault(entry.keyPosition, "HTTP header \(QuotedText.double(entry.key)) can not be configured")
        continue
      }
      guard let value = text(entry.value) else { continue }
      if !known.values.isEmpty, !known.values.contains(value) {
        let values = known.values.map { QuotedText.double($0) }.joined(separator: " ")
        fault(
          entry.value.position,
          "invalid value for \(known.name). Expected one of: [\(values)], but got: \(QuotedText.double(value))")
      } else if value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
        fault(entry.value.position, "the value of \(known.name) has a control character")
      } else if !value.isEmpty {
        config.headers.append(.init(name: known.name, value: value))
      }
    }
  }

  private mutating func users(_ node: YAMLNode) {
    guard case .mapping(let entries) = node.content else {
      return fault(node.position, "basic_auth_users: a section of names and bcrypt hashes is needed")
    }
    for entry in entries {
      guard let hash = text(entry.value) else { continue }
      if entry.key.isEmpty || entry.key.contains(":") {
        fault(entry.keyPosition, "a user has a name without colons")
      } else if let problem = BcryptHash.problem(hash) {
        fault(entry.value.position, "the password of \(QuotedText.double(entry.key)): \(problem)")
      } else if config.users.updateValue(hash, forKey: entry.key) != nil {
        fault(entry.keyPosition, "mapping key \(QuotedText.double(entry.key)) already defined")
      }
    }
  }

  private mutating func rateLimit(_ node: YAMLNode) {
    let entries = section(node, "web.RateLimiterConfig", ["interval", "burst"])
    var interval: Int64 = 0
    if let node = entries["interval"], let text = text(node) {
      guard let value = GoDurationText.nanoseconds(text), value >= 0 else {
        return fault(
          node.position, "rate_limit: \(QuotedText.double(text)) is no duration with its unit, such as 100ms")
      }
      interval = value
    }
    var burst = 0
    if let node = entries["burst"] {
      guard let value = node.scalar?.integer, value >= 0 else {
        return fault(node.position, "rate_limit: burst is a whole number of requests, not a negative one")
      }
      burst = Int(value)
    }
    if interval > 0 { config.rateLimit = .init(intervalNanoseconds: interval, burst: max(1, burst)) }
  }

  // MARK: Shapes

  private mutating func section(_ node: YAMLNode, _ type: String, _ keys: [String]) -> [String: YAMLNode] {
    if node.isNull { return [:] }
    guard case .mapping(let entries) = node.content else {
      fault(node.position, "\(type): a section is needed, not \(node.kindText)")
      return [:]
    }
    var found: [String: YAMLNode] = [:]
    for entry in entries {
      if !keys.contains(entry.key) {
        fault(entry.keyPosition, "field \(entry.key) not found in type \(type)")
      } else if found.updateValue(entry.value, forKey: entry.key) != nil {
        fault(entry.keyPosition, "field \(entry.key) already set in type \(type)")
      }
    }
    return found.filter { !$0.value.isNull }
  }

  private mutating func source(_ file: YAMLNode?, _ inline: YAMLNode?) -> WebConfig.Source? {
    // The file is taken where both are there.
    if let name = text(file), !name.isEmpty {
      return .file(name.hasPrefix("/") ? name : DiskPath.join(DiskPath.parent(path), name))
    }
    return text(inline).flatMap { $0.isEmpty ? nil : .text($0) }
  }

  private mutating func text(_ node: YAMLNode?) -> String? {
    guard let node else { return nil }
    guard let scalar = node.scalar else {
      fault(node.position, "a text is needed, not \(node.kindText)")
      return nil
    }
    return scalar.text
  }

  private mutating func list(_ node: YAMLNode?) -> [String] {
    guard let node else { return [] }
    guard case .sequence(let elements) = node.content else {
      fault(node.position, "a list is needed, not \(node.kindText)")
      return []
    }
    return elements.compactMap { text($0) }
  }

  private mutating func flag(_ node: YAMLNode?) -> Bool? {
    guard let node else { return nil }
    if let value = node.scalar?.boolean { return value }
    fault(node.position, "true or false is needed")
    return nil
  }
}
