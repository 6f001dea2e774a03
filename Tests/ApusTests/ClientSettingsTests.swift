import Format
import Outbound
import Testing

@testable import apus

@Suite("Settings of clients in the configuration")
struct ClientSettingsTests {
  private struct Whole: Sendable {
    var client = ClientSettings()
  }

  private let section = Section(
    "scrape config", Whole(), ClientSettings.settings(at: \Whole.client), rules: ClientSettings.rules)

  private func read(_ text: String) throws -> (client: ClientSettings, faults: [String], unread: [String]) {
    var reader = SchemaReader()
    let value = reader.section(try YAMLDocument.parse(Array(text.utf8)).root, section.schema)
    var whole = Whole()
    var faults = reader.faults
    if faults.isEmpty { section.fill(&whole, from: value, &faults) }
    return (whole.client, faults.map(\.message), reader.unread)
  }

  @Test("without a word, redirects are followed and HTTP/2 is on")
  func defaults() throws {
    #expect(try read("{}").client == ClientSettings())
    #expect(ClientSettings().followsRedirects && ClientSettings().isHTTP2Enabled)
  }

  @Test("every key reaches its setting")
  func everyKey() throws {
    let (client, faults, unread) = try read(
      """
      oauth2:
        client_id: id
        client_secret_file: secret
        token_url: https://t/
        scopes: [a, b]
        endpoint_params: {x: y}
        tls_config: {ca_file: oauth-ca, insecure_skip_verify: true}
        proxy_url: http://p:1
      tls_config: {ca: CA, cert_file: c, key: K, server_name: n, min_version: TLS10, max_version: TLS13}
      follow_redirects: false
      enable_http2: false
      proxy_url: http://q:2
      no_proxy: a,b
      proxy_connect_header: {X: [one, two]}
      http_headers:
        X-A: {values: [v], secrets: [s], files: [f]}
      """)
    #expect(faults.isEmpty && unread.isEmpty)
    var oauth2 = OAuth2Settings()
    oauth2.clientID = "id"
    oauth2.clientSecret = .file("secret")
    oauth2.tokenURL = "https://t/"
    oauth2.scopes = ["a", "b"]
    oauth2.endpointParameters = ["x": "y"]
    oauth2.tls.authority = .file("oauth-ca")
    oauth2.tls.isInsecure = true
    oauth2.proxy.url = "http://p:1"
    var expected = ClientSettings()
    expected.credentials = .oauth2(oauth2)
    expected.tls.authority = .text("CA")
    expected.tls.certificate = .file("c")
    expected.tls.key = .text("K")
    expected.tls.serverName = "n"
    expected.tls.versionMin = .tls10
    expected.tls.versionMax = .tls13
    expected.followsRedirects = false
    expected.isHTTP2Enabled = false
    expected.proxy.url = "http://q:2"
    expected.proxy.exceptions = "a,b"
    expected.proxy.connectHeaders = [HeaderSetting(name: "X", values: [], secrets: [.text("one"), .text("two")])]
    expected.headers = [HeaderSetting(name: "X-A", values: [.text("v")], secrets: [.text("s"), .file("f")])]
    #expect(client == expected)

    var moved = client
    moved.setDirectory("/etc/p")
    oauth2.clientSecret = .file("/etc/p/secret")
    oauth2.tls.authority = .file("/etc/p/oauth-ca")
    expected.credentials = .oauth2(oauth2)
    expected.tls.certificate = .file("/etc/p/c")
    expected.headers[0].secrets[1] = .file("/etc/p/f")
    #expect(moved == expected)
  }

  @Test(
    "credentials in each of their forms",
    arguments: [
      ("basic_auth: {}", ClientSettings.Credentials.basic(user: .text(""), password: .text(""))),
      ("basic_auth: {username: u, password_file: /p}", .basic(user: .text("u"), password: .file("/p"))),
      ("basic_auth: {username_file: /u, password: p}", .basic(user: .file("/u"), password: .text("p"))),
      ("authorization: {credentials: c}", .authorization(type: "Bearer", credentials: .text("c"))),
      (
        "authorization: {type: ' Token ', credentials_file: /c}",
        .authorization(type: "Token", credentials: .file("/c"))
      ),
      ("authorization: {type: ''}", .authorization(type: "Bearer", credentials: .text(""))),
      ("bearer_token: t", .authorization(type: "Bearer", credentials: .text("t"))),
      ("bearer_token_file: /t", .authorization(type: "Bearer", credentials: .file("/t"))),
      ("bearer_token: ''", .none),
    ])
  func credentials(_ text: String, _ expected: ClientSettings.Credentials) throws {
    let (client, faults, _) = try read(text)
    #expect(faults.isEmpty && client.credentials == expected)
  }

  @Test(
    "what does not fit together is refused in Prometheus's words",
    arguments: [
      (
        "{basic_auth: {}, bearer_token: a}",
        "scrape config: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured"
      ),
      (
        "{bearer_token: a, bearer_token_file: b}",
        "scrape config: at most one of bearer_token & bearer_token_file must be configured"
      ),
      (
        "{authorization: {}, bearer_token: a}",
        "scrape config: authorization is not compatible with bearer_token & bearer_token_file"
      ),
      (
        "{authorization: {}, basic_auth: {}}",
        "scrape config: at most one of basic_auth, oauth2 & authorization must be configured"
      ),
      (
        "authorization: {type: BASIC}",
        "authorization: authorization type cannot be set to \"basic\", use \"basic_auth\" instead"
      ),
      (
        "authorization: {credentials: a, credentials_file: b}",
        "authorization: at most one of authorization credentials & credentials_file must be configured"
      ),
      (
        "basic_auth: {username: a, username_file: b}",
        "basic_auth: at most one of basic_auth username, username_file & username_ref must be configured"
      ),
      ("tls_config: {ca: a, ca_ref: b}", "tls_config: at most one of ca, ca_file & ca_ref must be configured"),
      (
        "tls_config: {cert: a}",
        "tls_config: exactly one of key or key_file must be configured when a client certificate is configured"
      ),
      (
        "tls_config: {min_version: TLS13, max_version: TLS12}",
        "tls_config: tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified"
      ),
      ("http_headers: {user-agent: {values: [a]}}", "scrape config: setting header \"User-Agent\" is not allowed"),
      ("no_proxy: a", "scrape config: if no_proxy is configured, proxy_url must also be configured"),
      (
        "{proxy_from_environment: true, proxy_url: 'http://p'}",
        "scrape config: if proxy_from_environment is configured, proxy_url must not be configured"
      ),
      (
        "proxy_connect_header: {X: [a]}",
        "scrape config: if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured"
      ),
      (
        "oauth2: {client_id: a, token_url: b, grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer'}",
        "oauth2: the grant_type urn:ietf:params:oauth:grant-type:jwt-bearer is not served, for want of signatures with a private key: use client_credentials"
      ),
    ])
  func refusals(_ text: String, _ expected: String) throws {
    #expect(try read(text).faults == [expected])
  }

  @Test("references to secrets are named as not served, each with its path")
  func references() throws {
    let (_, faults, unread) = try read(
      "{basic_auth: {username_ref: a, password_ref: b}, tls_config: {ca_ref: c}, http_headers: {X: {values: [a]}}}")
    #expect(faults.isEmpty)
    #expect(unread == ["basic_auth.username_ref", "basic_auth.password_ref", "tls_config.ca_ref"])
  }
}
