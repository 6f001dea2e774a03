import Glibc
import HTTP
import TestKit
import Testing

private let certificate = TestCertificate.certificate
private let key = TestCertificate.key

extension HTTPSocketTests {
  @Suite struct TLSTests {
    private func server(_ change: (inout HTTPServerOptions) -> Void = { _ in }) throws -> TestServer {
      let material = try TLSServerMaterial(
        certificates: Array(certificate.utf8), key: Array(key.utf8), TLSServerOptions())
      return try TestServer({
        $0.tls = FixedTLSMaterial(material)
        change(&$0)
      }) { router in
        router.add([.get, .post], "/echo", readsForm: false) { Response(body: .bytes(Array($0.body))) }
        router.add(.get, "/rows", run: .queued(TestExecutor().run)) { _ in
          .letters(100, 10_000)
        }
      }
    }

    private func authorityFile() -> String {
      var path = Array("/tmp/apus-http-authority-XXXXXX".utf8CString)
      let descriptor = mkstemp(&path)
      _ = certificate.utf8CString.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count - 1) }
      close(descriptor)
      return path.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    @Test("over TLS a client that trusts the authority, or anyone, is served; others refuse the server")
    func trust() throws {
      let server = try server()
      let url = "https://127.0.0.1:\(server.port)"
      let file = authorityFile()
      defer { unlink(file) }
      var options = HTTPClientOptions()
      options.tls.authorityFile = file
      let trusting = HTTPClient(options: options)
      let body = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
      for _ in 0..<3 {
        #expect(try trusting.send(ClientRequest(method: "POST", url: url + "/echo", body: body)).body == body)
      }
      #expect(try trusting.send(ClientRequest(url: url + "/rows")).body == Array(repeating: 65, count: 1_000_000))
      options = HTTPClientOptions()
      options.tls.isInsecure = true
      #expect(try HTTPClient(options: options).send(ClientRequest(url: url + "/echo")).status == 200)
      var failure: HTTPClientError?
      do throws(HTTPClientError) {
        _ = try HTTPClient().send(ClientRequest(url: url + "/echo"))
      } catch {
        failure = error
      }
      guard case .tls = failure else {
        Issue.record("\(String(describing: failure))")
        return
      }
    }

    @Test("a client that speaks plain HTTP is told so, and failed handshakes are counted by reason")
    func plain() throws {
      let server = try server { $0.idleTimeoutSeconds = 1 }
      for target in ["/", "/echo?x=" + String(repeating: "y", count: 5_000)] {
        let client = server.client()
        client.send("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = String(decoding: client.readToEnd(), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.0 400 Bad Request\r\n"), "\(answer)")
        #expect(answer.hasSuffix("Client sent an HTTP request to an HTTPS server.\n"), "\(answer)")
      }
      do {
        let client = server.client()
        client.send("\u{16}\u{3}\u{1}\u{0}\u{5}hello")
        _ = client.readToEnd()
      }
      let name = "apus_tls_handshake_failures_total"
      #expect(eventually { server.metric(name, ["reason": "plain_http"]) == 2 })
      #expect(eventually { server.metric(name, ["reason": "handshake"]) == 1 })
      var options = HTTPClientOptions()
      options.tls.isInsecure = true
      let url = "https://127.0.0.1:\(server.port)/echo"
      #expect(try HTTPClient(options: options).send(ClientRequest(url: url)).status == 200)
      #expect(server.metric(name, ["reason": "client_certificate"]) == 0)
    }

    @Test("plain bytes and slow handshakes on a TLS port end without harm")
    func garbage() throws {
      let server = try server { $0.idleTimeoutSeconds = 1 }
      for text in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u{16}\u{3}\u{1}", ""] {
        let client = server.client()
        client.send(text)
        _ = client.readToEnd()
        #expect(client.isAtEnd)
      }
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
    }

    @Test("a certificate that is none is a clear error")
    func badCertificate() {
      #expect(throws: TLSMaterialError.self) {
        try TLSServerMaterial(certificates: Array("none".utf8), key: Array(key.utf8), TLSServerOptions())
      }
    }
  }
}
