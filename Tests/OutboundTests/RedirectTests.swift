import HTTP
import Outbound
import TestKit
import Testing

extension OutboundSocketTests {
  @Suite struct RedirectTests {
    private func client(follows: Bool = true) -> OutboundClient {
      var settings = ClientSettings()
      settings.followsRedirects = follows
      settings.credentials = .authorization(type: "Bearer", credentials: .text("c"))
      settings.headers = [
        HeaderSetting(name: "X-A", values: [.text("a")]), HeaderSetting(name: "Cookie", values: [.text("k=v")]),
        HeaderSetting(name: "X-Secret", values: [], secrets: [.text("s")]),
      ]
      return OutboundClient(settings, environment: [:])
    }

    private func server() throws -> OutboundServer {
      try OutboundServer { router in
        router.add([.get, .post], "/to/{status}", readsForm: false) { request in
          let status = Int(request.pathParameter("status")) ?? 302
          return Response(status: status).with(header: "Location", request.header("x-to") ?? "/echo")
        }
        router.add(.get, "/round") { Response(status: 302).with(header: "Location", $0.header("x-to") ?? "/round") }
        router.add(.get, "/nowhere") { _ in Response(status: 302) }
      }
    }

    @Test("on the same host everything goes along")
    func sameHost() throws {
      let server = try server()
      let headers = client().echo(server.url("/to/302"))
      #expect(headers["authorization"] == "Bearer c" && headers["x-a"] == "a" && headers["x-secret"] == "s")
      #expect(headers["cookie"] == "k=v" && headers["referer"] == server.url("/to/302"))
    }

    @Test("off the host's domain credentials, cookies and secret headers stay behind, also on the way back")
    func otherHost() throws {
      let server = try server()
      let there = client().echo(server.url("/to/307")) {
        $0.headers = [("X-To", server.url("/echo", host: "localhost"))]
      }
      #expect(there["host"] == "localhost:\(server.port)" && there["x-a"] == "a")
      #expect(there["authorization"] == nil && there["cookie"] == nil && there["x-secret"] == nil)
      let other = ScriptedRedirect(to: server.url("/echo"))
      let scripted = try ScriptedServer(answer: other.answer)
      let back = client().echo(server.url("/to/302")) {
        $0.headers = [("X-To", "http://localhost:\(scripted.port)/")]
      }
      #expect(back["host"] == "127.0.0.1:\(server.port)" && back["authorization"] == nil && back["x-a"] == "a")
      #expect(scripted.requests.count == 1 && !scripted.requests[0].lowercased().contains("authorization"))
    }

    private struct ScriptedRedirect {
      var answer: String
      init(to url: String) { answer = "HTTP/1.1 302 Found\r\nLocation: \(url)\r\nContent-Length: 0\r\n\r\n" }
    }

    @Test("303 and its like make a GET, 307 and 308 repeat the request")
    func methods() throws {
      let server = try server()
      for (status, method) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")] {
        let answer = client().echo(server.url("/to/\(status)")) {
          $0.method = "POST"
          $0.body = Array("body".utf8)
        }
        #expect(answer["method"]?.uppercased() == method, "\(status)")
      }
    }

    @Test("ten redirects are too many; one without a place, or not followed, is the answer")
    func ends() throws {
      let server = try server()
      #expect(client().text(server.url("/round")) == "Get \"\(server.url("/round"))\": stopped after 10 redirects")
      #expect(try client().send(ClientRequest(url: server.url("/nowhere"))).status == 302)
      #expect(try client(follows: false).send(ClientRequest(url: server.url("/to/302"))).status == 302)
      let closed = client().text(server.url("/to/302")) { $0.headers = [("X-To", "http://127.0.0.1:1/x")] }
      #expect(closed == "Get \"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused")
      let file = client().text(server.url("/to/302")) { $0.headers = [("X-To", "file:///etc/passwd")] }
      #expect(file == "Get \"\(server.url("/to/302"))\": failed to parse Location header \"file:///etc/passwd\"")
    }
  }
}
