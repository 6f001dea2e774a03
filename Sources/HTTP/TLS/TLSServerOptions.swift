/// The terms of a server's handshakes. A value.
package struct TLSServerOptions: Sendable, Equatable {
  package enum Version: Int, Sendable, CaseIterable {
    case tls10, tls11, tls12, tls13

    fileprivate var word: String { ["+VERS-TLS1.0", "+VERS-TLS1.1", "+VERS-TLS1.2", "+VERS-TLS1.3"][rawValue] }
  }

  /// Go's names of what is asked of clients.
  package enum ClientCertificates: String, Sendable, CaseIterable {
    case none = "NoClientCert"
    case requested = "RequestClientCert"
    case anyRequired = "RequireAnyClientCert"
    case verifiedIfGiven = "VerifyClientCertIfGiven"
    case verifiedRequired = "RequireAndVerifyClientCert"

    var asks: Int32 {
      switch self {
      case .none: 0
      case .requested, .verifiedIfGiven: 1
      case .anyRequired, .verifiedRequired: 2
      }
    }

    package var verifies: Bool { self == .verifiedIfGiven || self == .verifiedRequired }
  }

  package var versionMin = Version.tls12
  package var versionMax = Version.tls13
  /// Parts of the priorities for TLS 1.2 and below; empty: the usual ones.
  package var ciphers: [TLSCipherSuite] = []
  package var curves: [TLSCurve] = []
  package var prefersOwnOrder = true
  package var clientCertificates = ClientCertificates.none
  /// Names of which a client's certificate must have one; empty: any.
  package var allowedNames: [String] = []

  package init() {}

  /// In the words of GnuTLS.
  var priorities: String {
    var words = ["NORMAL", "-VERS-ALL"]
    // The newest first.
    for version in Version.allCases.reversed()
    where version.rawValue >= versionMin.rawValue && version.rawValue <= versionMax.rawValue {
      words.append(version.word)
    }
    if !ciphers.isEmpty {
      words += ["-KX-ALL", "-CIPHER-ALL", "-MAC-ALL"]
      // Suites of TLS 1.3 are not chosen by these names, and it needs its ciphers.
      let newest = versionMax == .tls13 ? ["+AES-128-GCM", "+AES-256-GCM", "+CHACHA20-POLY1305", "+AEAD"] : []
      var seen: Set<String> = []
      for word in ciphers.flatMap(\.words) + newest where seen.insert(word).inserted { words.append(word) }
    }
    if !curves.isEmpty { words += ["-GROUP-ALL"] + curves.map(\.word) }
    if prefersOwnOrder { words.append("%SERVER_PRECEDENCE") }
    return words.joined(separator: ":")
  }
}

/// A curve by Go's name.
package enum TLSCurve: String, Sendable, CaseIterable {
  case p256 = "CurveP256"
  case p384 = "CurveP384"
  case p521 = "CurveP521"
  case x25519 = "X25519"

  fileprivate var word: String {
    switch self {
    case .p256: "+GROUP-SECP256R1"
    case .p384: "+GROUP-SECP384R1"
    case .p521: "+GROUP-SECP521R1"
    case .x25519: "+GROUP-X25519"
    }
  }
}

/// A cipher suite by Go's name.
package struct TLSCipherSuite: Sendable, Equatable {
  fileprivate let words: [String]

  /// Nil where there is none of this name that is fit for use.
  package init?(_ name: String) {
    let exchanges = ["TLS_ECDHE_RSA_WITH_": "+ECDHE-RSA", "TLS_ECDHE_ECDSA_WITH_": "+ECDHE-ECDSA"]
    let ciphers: [String: [String]] = [
      "AES_128_GCM_SHA256": ["+AES-128-GCM", "+AEAD"], "AES_256_GCM_SHA384": ["+AES-256-GCM", "+AEAD"],
      "CHACHA20_POLY1305_SHA256": ["+CHACHA20-POLY1305", "+AEAD"],
      "AES_128_CBC_SHA": ["+AES-128-CBC", "+SHA1"], "AES_256_CBC_SHA": ["+AES-256-CBC", "+SHA1"],
    ]
    // Those of TLS 1.3 can be named, and are always there.
    if ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"].contains(name) {
      words = []
      return
    }
    for (prefix, exchange) in exchanges where name.hasPrefix(prefix) {
      guard let cipher = ciphers[String(name.dropFirst(prefix.count))] else { continue }
      words = [exchange] + cipher
      return
    }
    return nil
  }
}
