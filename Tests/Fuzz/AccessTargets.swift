import Format
import HTTP

@testable import Access

// Files that say who may do what.
extension FuzzTarget {
  static let access = [webConfig, credentials, bcryptHash]

  /// What is taken can be served: headers without line ends, hashes that can be checked, limits that let somebody in.
  private static let webConfig = FuzzTarget(
    name: "web-config",
    seeds: {
      texts(
        "tls_server_config:\n  cert_file: a\n  key: b\n  client_ca: c\n  client_auth_type: RequireAndVerifyClientCert\n"
          + "  client_allowed_sans: [x, 'y']\n  min_version: TLS12\n  max_version: TLS13\n"
          + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n  curve_preferences: [CurveP256, X25519]\n"
          + "  prefer_server_cipher_suites: no\n",
        "http_server_config: {http2: on, headers: {X-Frame-Options: deny, Content-Security-Policy: \"a\\nb\"}}\n",
        "basic_auth_users: {a: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n",
        "rate_limit: {interval: 1m1.5s, burst: 0x10}\n", "{}\n", "rate_limit: {interval: 1ns}\nfoo: 1\n")
    }
  ) { bytes in
    do throws(AccessFileError) {
      let config = try WebConfigFile.read(Array(bytes), path: "/d/f")
      for header in config.headers {
        precondition(!header.value.isEmpty && header.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
      }
      for (name, hash) in config.users {
        precondition(BcryptHash.problem(hash) == nil && !name.isEmpty && !name.contains(":"))
      }
      if let limit = config.rateLimit { precondition(limit.intervalNanoseconds > 0 && limit.burst > 0) }
      guard let tls = config.tls else { return }
      for case .file(let path)? in [tls.certificate, tls.key, tls.clientAuthority] { precondition(path.hasPrefix("/")) }
      precondition(tls.options.versionMin.rawValue <= tls.options.versionMax.rawValue)
      precondition((tls.clientAuthority == nil) || tls.options.clientCertificates != .none)
    } catch {
      precondition(!error.lines.isEmpty && error.lines.count <= 100)
      precondition(error.lines.allSatisfy { $0.hasPrefix("/d/f:") }, "\(error)")
    }
  }

  private static let credentials = FuzzTarget(
    name: "credentials-file",
    seeds: {
      texts(
        "signatures: {region: r, presigned: true, max_skew: 1m}\nprincipals:\n- name: a\n  access_keys:\n"
          + "  - {id: k, secret: s, not_after: 2026-12-31}\n  - {id: l, secret_file: f, session_token: t}\n"
          + "  bearer_sha256: [\(String(repeating: "ab", count: 32))]\n  certificate_sans: [x]\n"
          + "  statements: [{effect: Deny, actions: ['aps:Query*'], workspaces: [w, 'team-*']}]\n",
        "principals: [{name: a}, {name: a}]", "principals: [{name: a, password_bcrypt: x}]")
    }
  ) { bytes in
    do throws(AccessFileError) {
      let index = try CredentialsFile.read(Array(bytes), path: "/d/f", generation: 1) { $0 }
      let names = Set(index.principals.map(\.name))
      precondition(names.count == index.principals.count, "two of one name")
      for (id, key) in index.keys {
        precondition(id == key.id && !key.secret.isEmpty && !id.contains("/") && !id.contains(","))
      }
      precondition(index.bearers.keys.allSatisfy { $0.count == 32 })
      precondition(index.users.values.allSatisfy { BcryptHash.problem($0.hash) == nil })
    } catch {
      precondition(!error.lines.isEmpty)
    }
  }

  /// Computed at the lowest cost alone.
  private static let bcryptHash = FuzzTarget(
    name: "bcrypt-hash",
    seeds: {
      texts(
        "$2y$04$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi", BcryptHash.nobody, "$2$04$", "$2b$99$./A",
        "$2x$04$QOauhQNbBCuQDKes6eFzP9MqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n" + String(repeating: "p", count: 600))
    }
  ) { bytes in
    var input = FuzzInput(bytes)
    let hash = input.line()
    if BcryptHash.problem(hash) != nil {
      precondition(!BcryptHash.matches(hash, Array(input.rest)), "a hash that is none matches")
      return
    }
    precondition((59...60).contains(hash.utf8.count))
    if hash.contains("$04$") { _ = BcryptHash.matches(hash, Array(input.rest)) }
  }
}
