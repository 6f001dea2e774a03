import Glibc
import HTTP
import TestKit
import Testing

@testable import Outbound

@Suite struct ProxyChoiceTests {
  private func choice(_ exceptions: String) -> ProxyChoice {
    var settings = ProxySettings()
    settings.url = "http://p:1"
    settings.exceptions = exceptions
    return ProxyChoice(settings, environment: [:])
  }

  @Test("a proxy without exceptions is for all, also for this machine")
  func forAll() {
    for url in ["http://a/", "https://localhost/", "http://127.0.0.1:9/"] {
      #expect(choice("").url(for: url) == "http://p:1")
    }
    #expect(ProxyChoice(ProxySettings(), environment: ["HTTP_PROXY": "x"]).url(for: "http://a/") == nil)
  }

  @Test(
    "exceptions are read as Go's client reads them",
    arguments: [
      ("x", "http://localhost/", false), ("x", "http://127.1.2.3/", false), ("x", "http://[::1]/", false),
      ("x", "http://a/", true), ("*", "http://a/", false), ("b, A ", "http://a/", false),
      ("foo.com", "http://foo.com/", false), ("foo.com", "http://bar.foo.com/", false),
      ("foo.com", "http://barfoo.com/", true), (".foo.com", "http://foo.com/", true),
      (".foo.com", "http://bar.foo.com/", false), ("*.foo.com", "http://bar.foo.com/", false),
      ("*.foo.com", "http://foo.com/", true), ("foo.com:80", "http://foo.com/", false),
      ("foo.com:81", "http://foo.com/", true), ("foo.com:443", "https://foo.com/", false),
      ("10.0.0.0/8", "http://10.1.2.3/", false), ("10.0.0.0/8", "http://11.1.2.3/", true),
      ("10.0.0.0/9", "http://10.128.0.1/", true), ("10.0.0.1", "http://10.0.0.1:8080/", false),
      ("10.0.0.1:80", "http://10.0.0.1:8080/", true), ("fd00::/8", "http://[fd01::2]/", false),
      ("fd00::1", "http://[fd00::1]:5/", false), ("[fd00::1]:5", "http://[fd00::1]:5/", false),
      ("[fd00::1]:5", "http://[fd00::1]:6/", true), (":80", "http://a/", true), ("0.0.0.0/0", "http://a/", true),
      ("0.0.0.0/0", "http://[fd00::1]/", true), (",,", "http://a/", true),
    ])
  func exceptions(_ list: String, _ url: String, _ isProxied: Bool) {
    #expect((choice(list).url(for: url) != nil) == isProxied)
  }

  @Test("the environment is looked at in both cases, and HTTP_PROXY not in a CGI program")
  func environment() {
    var settings = ProxySettings()
    settings.isFromEnvironment = true
    func url(_ url: String, _ environment: [String: String]) -> String? {
      ProxyChoice(settings, environment: environment).url(for: url)
    }
    #expect(url("http://a/", ["HTTP_PROXY": "h", "HTTPS_PROXY": "s"]) == "h")
    #expect(url("https://a/", ["HTTP_PROXY": "h", "https_proxy": "s"]) == "s")
    #expect(url("https://a/", ["HTTP_PROXY": "h"]) == nil)
    #expect(url("http://a/", ["HTTP_PROXY": "h", "http_proxy": "l", "no_proxy": "b"]) == "h")
    #expect(url("http://b/", ["HTTP_PROXY": "h", "no_proxy": "b"]) == nil)
    #expect(url("http://a/", ["HTTP_PROXY": "h", "REQUEST_METHOD": "GET"]) == nil)
    #expect(url("http://localhost/", ["HTTP_PROXY": "h"]) == nil)
  }
}

extension OutboundSocketTests {
  @Suite struct ProxyTests {
    private func client(_ proxy: String, _ change: (inout ClientSettings) -> Void = { _ in }) -> OutboundClient {
      var settings = ClientSettings()
      settings.proxy.url = proxy
      settings.proxy.connectHeaders = [HeaderSetting(name: "X-Via", values: [], secrets: [.text("us")])]
      settings.tls.authority = .text(TestCertificate.certificate)
      change(&settings)
      return OutboundClient(settings, environment: [:])
    }

    @Test("plain requests are given to the proxy whole, without the headers of CONNECT")
    func plain() throws {
      let proxy = try ScriptedServer(answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
      let body = client("http://u:p@127.0.0.1:\(proxy.port)").text("http://no.such.host.invalid/a?b")
      #expect(body == "hi")
      let head = proxy.requests[0]
      #expect(head.hasPrefix("GET http://no.such.host.invalid/a?b HTTP/1.1\r\n") && !head.contains("X-Via"))
      #expect(head.contains("\r\nProxy-Authorization: Basic dTpw\r\n"))
    }

    @Test("secure requests go through a tunnel, which is asked for with the headers of CONNECT")
    func tunnel() throws {
      let server = try OutboundServer(isSecure: true)
      let proxy = try TunnelProxy()
      let url = server.url("/echo", scheme: "https")
      #expect(client("127.0.0.1:\(proxy.port)").text(url).contains("host: 127.0.0.1:\(server.port)"))
      let head = proxy.heads.value[0]
      #expect(head.hasPrefix("CONNECT 127.0.0.1:\(server.port) HTTP/1.1\r\n") && head.contains("\r\nX-Via: us\r\n"))
      // The name that is verified changes nothing about where the tunnel leads.
      let named = client("http://127.0.0.1:\(proxy.port)") { $0.tls.serverName = "localhost" }.text(url)
      #expect(named.contains("host: 127.0.0.1:\(server.port)"))
      #expect(proxy.heads.value[1].hasPrefix("CONNECT 127.0.0.1:\(server.port) HTTP/1.1\r\n"))
    }

    @Test("a proxy that is not there, or refuses, is told as Go's client does")
    func refusals() throws {
      let url = "https://a.invalid/"
      #expect(
        client("http://127.0.0.1:1").text(url)
          == "Get \"\(url)\": proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused")
      let proxy = try ScriptedServer(answer: "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
      #expect(client("http://127.0.0.1:\(proxy.port)").text(url) == "Get \"\(url)\": Proxy Authentication Required")
      #expect(client("gopher://127.0.0.1:1").text(url) == "Get \"\(url)\": proxy: unknown scheme: gopher")
    }
  }
}
