import TestKit

/// A web configuration file and the judgement on it that two programs are to share.
struct WebConfigCase: Sendable {
  /// The judgement: both take it, both refuse it and both say this, or one alone takes it.
  enum Verdict: Sendable {
    case taken
    case refused(saying: String)
    /// Prometheus takes it. The text: why it is refused here, as the refusal has it.
    case refusedHere(saying: String)
  }

  var text: String
  var verdict: Verdict

  init(_ text: String, _ verdict: Verdict) {
    self.text = text
    self.verdict = verdict
  }
}

extension WebConfigCase {
  static let all = shapes + tls + transport + headers + users + limits

  private static func refused(_ text: String, _ words: String) -> WebConfigCase {
    WebConfigCase(text + "\n", .refused(saying: words))
  }

  private static func refusedHere(_ text: String, _ words: String) -> WebConfigCase {
    WebConfigCase(text + "\n", .refusedHere(saying: words))
  }

  private static func taken(_ texts: String...) -> [WebConfigCase] { texts.map { WebConfigCase($0, .taken) } }

  private static let shapes =
    taken(
      "", "{}\n", "# nothing\n", "null\n", "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n",
      "http_server_config: {http2: off}\n", "{}\n---\nfoo: a second document is not read\n") + [
      refused("- a", ""), refused("a", ""), refused("a: [", "did not find expected node content"),
      refused("\ta: b", "found character that cannot start any token"),
      refused("foo: 1", "field foo not found in type web.Config"),
      refused("tls_server_config: {foo: 1}", "field foo not found in type web.TLSConfig"),
      refused("http_server_config: {foo: 1}", "field foo not found in type web.HTTPConfig"),
      refused("rate_limit: {foo: 1}", "field foo not found in type web.RateLimiterConfig"),
      refused("rate_limit: {}\nrate_limit: {}", "rate_limit"),
      refused("http_server_config: {http2: 1}", ""), refused("http_server_config: {http2: 'true'}", ""),
    ]

  private static let pair = "cert_file: c.pem, key_file: sub/../k.pem"

  /// With the pair and what else belongs to TLS.
  private static func section(_ rest: String) -> String { "tls_server_config: {\(pair)\(rest)}" }

  private static func block(_ key: String, _ text: String) -> String {
    "  \(key): |\n" + text.split(separator: "\n").map { "    \($0)\n" }.joined()
  }

  private static let tls =
    taken(
      section(""), "tls_server_config: {client_allowed_sans: [a]}\n", "tls_server_config: {min_version: TLS12}\n",
      "tls_server_config:\n" + block("cert", TestCertificate.certificate) + block("key", TestCertificate.key),
      "tls_server_config:\n  cert: junk\n  cert_file: c.pem\n  key_file: k.pem\n",
      section(", client_ca_file: c.pem, client_auth_type: VerifyClientCertIfGiven, client_allowed_sans: [a, b]"),
      section(", client_auth_type: RequestClientCert"), section(", client_auth_type: RequireAnyClientCert"),
      section(", client_auth_type: RequireClientCert"),
      section(", client_auth_type: RequireAndVerifyClientCert, client_ca_file: c.pem")) + [
      refused("tls_server_config: {cert_file: c.pem}", "missing one of key or key_file"),
      refused("tls_server_config: {key_file: k.pem}", "missing one of cert or cert_file"),
      refused("tls_server_config: {client_auth_type: NoClientCert}", "missing one of cert or cert_file"),
      refused("tls_server_config: {client_ca: x}", "missing one of cert or cert_file"),
      refused("tls_server_config: {cert_file: none, key_file: k.pem}", "failed to read cert_file ("),
      refused("tls_server_config: {cert_file: c.pem, key_file: none}", "failed to read key_file ("),
      refused("tls_server_config: {cert_file: junk, key_file: k.pem}", ""),
      refused("tls_server_config: {cert_file: k.pem, key_file: c.pem}", ""),
      refused("tls_server_config: {cert_file: c2.pem, key_file: k.pem}", ""),
      refused("tls_server_config: {cert_file: [c.pem], key_file: k.pem}", ""),
      refused(section(", cert_file: c.pem"), "cert_file"),
      refused(section(", client_ca_file: c.pem"), "client CA's have been configured without a Client Auth Policy"),
      refused(
        section(", client_ca_file: c.pem, client_auth_type: NoClientCert"),
        "client CA's have been configured without a Client Auth Policy"),
      refused(section(", client_auth_type: x"), "invalid ClientAuth: x"),
      refused(section(", client_ca_file: none, client_auth_type: RequireAndVerifyClientCert"), "none"),
      refusedHere(
        section(", client_ca_file: junk, client_auth_type: RequireAndVerifyClientCert"),
        "the client authorities cannot be read"),
      refusedHere(section(", client_auth_type: RequireAndVerifyClientCert"), "needs client_ca_file"),
      refusedHere(section(", min_version: TLS13, max_version: TLS12"), "min_version is above max_version"),
    ]

  private static let ciphers = [
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  ]

  private static let weak = [
    "TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "TLS_RSA_WITH_CHACHA20_POLY1305",
  ]

  private static let transport =
    ciphers.map { WebConfigCase(section(", cipher_suites: [\($0)]"), .taken) }
    + weak.map { refused(section(", cipher_suites: [\($0)]"), "unknown cipher: \($0)") }
    + ["CurveP256", "CurveP384", "CurveP521", "X25519"].map {
      WebConfigCase(section(", curve_preferences: [\($0)]"), .taken)
    }
    + ["TLS10", "TLS11", "TLS12", "TLS13"].map { WebConfigCase(section(", min_version: \($0)"), .taken) }
    + taken(section(", prefer_server_cipher_suites: yes, cipher_suites: [], max_version: TLS12, min_version: ")) + [
      refused(section(", curve_preferences: [X25519MLKEM768]"), "unknown curve: X25519MLKEM768"),
      refused(section(", min_version: TLS14"), "unknown TLS version: TLS14"),
      refused(section(", max_version: ''"), "unknown TLS version: "),
      refused("tls_server_config: {min_version: TLS9}", "unknown TLS version: TLS9"),
      refused("tls_server_config: {cipher_suites: [x]}", "unknown cipher: x"),
      refused(section(", cipher_suites: TLS_AES_128_GCM_SHA256"), ""),
      refused(section(", client_allowed_sans: a"), ""),
      refused(section(", prefer_server_cipher_suites: x"), ""),
    ]

  private static func header(_ name: String, _ value: String) -> String {
    "http_server_config: {headers: {\(name): \(value)}}"
  }

  private static let headers =
    taken(
      header("X-Frame-Options", "sameorigin"), header("X-Content-Type-Options", "nosniff"),
      header("Strict-Transport-Security", "max-age=1"), header("X-XSS-Protection", "0"),
      header("X-XSS-Protection", "''"), header("Content-Security-Policy", "default-src 'self'")) + [
      refused(header("x-frame-options", "deny"), #"HTTP header "x-frame-options" can not be configured"#),
      refused(header("Server", "x"), #"HTTP header "Server" can not be configured"#),
      refused(
        header("X-Frame-Options", "DENY"),
        #"invalid value for X-Frame-Options. Expected one of: ["deny" "sameorigin"], but got: "DENY""#),
      refused(
        header("X-Frame-Options", ""),
        #"invalid value for X-Frame-Options. Expected one of: ["deny" "sameorigin"], but got: """#),
      refused(
        header("X-Content-Type-Options", "x"),
        #"invalid value for X-Content-Type-Options. Expected one of: ["nosniff"], but got: "x""#),
      refused("http_server_config: {headers: [a]}", ""),
      refused("http_server_config:\n  headers:\n    X-XSS-Protection: a\n    X-XSS-Protection: b", "X-XSS-Protection"),
      refusedHere(header("X-XSS-Protection", #""a\nb""#), "has a control character"),
    ]

  /// Of `fakepassword`.
  private static let sum = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

  private static func user(_ hash: String, name: String = "a") -> String { "basic_auth_users: {\(name): '\(hash)'}" }

  private static let users =
    ["$2a$10$", "$2b$10$", "$2x$10$", "$2y$04$", "$2y$14$", "$2$10$"].map { WebConfigCase(user($0 + sum), .taken) }
    + taken("basic_auth_users: {}\n", user("$2y$10$" + sum, name: "1"), user("$2y$10$" + sum, name: "é")) + [
      refused(user("secret"), "bcrypt"), refused(user(""), "bcrypt"), refused("basic_auth_users: {a: }", "bcrypt"),
      refused(user("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="), "bcrypt"),
      refused(user("$apr1$abcdefgh$" + sum), "bcrypt"), refused(user("$2y$03$" + sum), "cost 3 "),
      refused(user("$2y$32$" + sum), "cost 32 "), refused(user("$2y$10$" + sum.dropLast(2)), "bcrypt"),
      refused("basic_auth_users: [a]", ""),
      refused("basic_auth_users:\n  a: $2y$10$\(sum)\n  a: $2y$10$\(sum)", #""a""#),
      refusedHere(user("$2y$15$" + sum), "the cost 15 of this bcrypt hash is not from 4 to 14"),
      refusedHere(user("$2y$10$\(sum)x"), "this is no bcrypt hash"),
      refusedHere(user("$2y$10$" + sum, name: "'a:b'"), "a user has a name without colons"),
      refusedHere(user("$2y$10$" + sum, name: "''"), "a user has a name without colons"),
    ]

  private static let limits =
    taken(
      "rate_limit: {interval: 1m30s, burst: 0x10}\n", "rate_limit: {interval: .5s}\n", "rate_limit: {burst: 5}\n",
      "rate_limit: {interval: 0, burst: 99999999999}\n") + [
      refused("rate_limit: {interval: 1d}", ""), refused("rate_limit: {interval: 1s, burst: x}", ""),
      refused("rate_limit: {interval: 1s, burst: '5'}", ""),
      refusedHere("rate_limit: {interval: 5}", #""5" is no duration with its unit"#),
      refusedHere("rate_limit: {interval: -1s}", #""-1s" is no duration with its unit"#),
      refusedHere("rate_limit: {interval: 1s, burst: -1}", "burst is a whole number"),
      refusedHere("rate_limit: {interval: 1s, burst: 1.5}", "burst is a whole number"),
    ]
}
