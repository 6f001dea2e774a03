import HTTP
import Outbound
import TestKit
import Testing

extension OutboundSocketTests {
  @Suite struct ClientTLSTests {
    private func text(_ url: String, _ change: (inout TLSSettings) -> Void) -> String {
      var settings = ClientSettings()
      change(&settings.tls)
      return OutboundClient(settings, environment: [:]).text(url)
    }

    @Test("an authority given as text or as a file is trusted, and nobody else")
    func authority() throws {
      let server = try OutboundServer(isSecure: true)
      let url = server.url("/from", scheme: "https")
      #expect(
        text(url) { _ in }
          == "Get \"\(url)\": tls: failed to verify certificate: x509: certificate signed by unknown authority")
      #expect(text(url) { $0.authority = .text(TestCertificate.certificate) }.hasPrefix("127.0.0.1:"))
      #expect(text(url) { $0.isInsecure = true }.hasPrefix("127.0.0.1:"))
      #expect(
        text(url) { $0.authority = .text("no certificate") } == "Get \"\(url)\": unable to use specified CA cert inline"
      )
    }

    @Test("a changed file makes new connections; an unchanged one keeps them")
    func changes() throws {
      let server = try OutboundServer(isSecure: true)
      let directory = try TemporaryDirectory()
      try directory.write(TestCertificate.certificate, to: "ca")
      var settings = ClientSettings()
      settings.tls.authority = .file(directory.path + "/ca")
      let client = OutboundClient(settings, environment: [:])
      let url = server.url("/from", scheme: "https")
      let first = client.text(url)
      #expect(first.hasPrefix("127.0.0.1:") && client.text(url) == first)
      try directory.write(TestCertificate.certificate + "\n# changed\n", to: "ca")
      let second = client.text(url)
      #expect(second.hasPrefix("127.0.0.1:") && second != first && client.text(url) == second)
    }

    @Test("server_name is the name that the certificate must be of, whatever the address")
    func serverName() throws {
      let server = try OutboundServer(listen: "0.0.0.0:0", isSecure: true)
      let url = server.url("/echo", host: "127.0.0.2", scheme: "https")
      func named(_ name: String) -> String {
        text(url) {
          $0.authority = .text(TestCertificate.certificate)
          $0.serverName = name
        }
      }
      #expect(named("").contains("x509: certificate is valid for "))
      #expect(named("").hasSuffix(", not 127.0.0.2"))
      #expect(named("localhost").contains("host: 127.0.0.2:\(server.port)"))
      #expect(named("127.0.0.1").contains("host: 127.0.0.2:\(server.port)"))
      #expect(named("other.example").hasSuffix(", not other.example"))
    }

    @Test("a client certificate that is none is told by its file")
    func clientCertificate() {
      let message = text("https://127.0.0.1:1/") {
        $0.certificate = .text("no certificate")
        $0.key = .text(TestCertificate.key)
      }
      #expect(
        message
          == "Get \"https://127.0.0.1:1/\": unable to use specified client cert (inline) & key (inline): tls: failed to find any PEM data in certificate input"
      )
    }
  }
}
