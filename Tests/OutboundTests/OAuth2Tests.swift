import Glibc
import HTTP
import Outbound
import PlatformSimulation
import TestKit
import Testing

extension OutboundSocketTests {
  @Suite struct OAuth2Tests {
    private static func answer(_ status: String, _ body: String, type: String = "application/json") -> String {
      "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private func client(
      _ tokens: ScriptedServer, clock: SimulatedClock = SimulatedClock(),
      _ change: (inout OAuth2Settings) -> Void = { _ in }
    ) -> OutboundClient {
      var oauth2 = OAuth2Settings()
      oauth2.clientID = "id"
      oauth2.clientSecret = .text("s:cret")
      oauth2.tokenURL = tokens.url("/token")
      change(&oauth2)
      var settings = ClientSettings()
      settings.credentials = .oauth2(oauth2)
      return OutboundClient(settings, environment: [:], clock: clock)
    }

    private func body(_ request: String) -> String {
      request.firstRange(of: "\r\n\r\n").map { String(request[$0.upperBound...]) } ?? ""
    }

    @Test("a token is fetched once, and anew ten seconds before it ends")
    func lifetime() throws {
      let server = try OutboundServer()
      let count = Shared(0)
      let tokens = try ScriptedServer { _ in
        count.update { $0 += 1 }
        return Self.answer(
          "200 OK", "{\"access_token\":\"t\(count.value)\",\"expires_in\":\"60\",\"token_type\":\"bearer\"}")
      }
      let clock = SimulatedClock()
      let client = client(tokens, clock: clock) {
        $0.scopes = ["a", "b"]
        $0.endpointParameters = ["resource": "x y&z"]
      }
      for _ in 0..<3 { #expect(client.echo(server.url("/echo"))["authorization"] == "Bearer t1") }
      clock.advance(milliseconds: 49_999)
      #expect(client.echo(server.url("/echo"))["authorization"] == "Bearer t1")
      clock.advance(milliseconds: 2)
      #expect(client.echo(server.url("/echo"))["authorization"] == "Bearer t2")
      #expect(tokens.requests.count == 2)
      #expect(tokens.requests[0].hasPrefix("POST /token HTTP/1.1\r\n"))
      #expect(tokens.requests[0].contains("\r\nAuthorization: Basic aWQ6cyUzQWNyZXQ=\r\n"))
      #expect(body(tokens.requests[0]) == "grant_type=client_credentials&resource=x+y%26z&scope=a+b")
    }

    @Test("a server that wants the credentials in the form is told so, and asked that way from then on")
    func style() throws {
      let server = try OutboundServer()
      let tokens = try ScriptedServer { head in
        head.contains("Authorization:")
          ? Self.answer("401 Unauthorized", "no")
          : Self.answer("200 OK", "access_token=f+orm&expires_in=5", type: "text/plain")
      }
      let client = client(tokens)
      for _ in 0..<2 { #expect(client.echo(server.url("/echo"))["authorization"] == "Bearer f orm") }
      #expect(tokens.requests.map { $0.contains("Authorization:") } == [true, false, false])
      #expect(body(tokens.requests[1]) == "client_id=id&client_secret=s%3Acret&grant_type=client_credentials")
    }

    @Test("refusals are told as golang.org/x/oauth2 does")
    func refusals() throws {
      let url = "http://127.0.0.1:1/"
      for (answer, text) in [
        (
          Self.answer("401 Unauthorized", "<no>", type: "text/html"),
          "oauth2: cannot fetch token: 401 Unauthorized\nResponse: <no>"
        ),
        (
          Self.answer("400 Bad Request", "{\"error\":\"invalid_client\",\"error_description\":\"who?\"}"),
          "oauth2: \"invalid_client\" \"who?\""
        ),
        (Self.answer("200 OK", "{\"error\":\"late\"}"), "oauth2: \"late\""),
        (Self.answer("200 OK", "{}"), "oauth2: server response missing access_token"),
        (Self.answer("200 OK", "[1"), "oauth2: cannot parse json: no token answer"),
      ] {
        let tokens = try ScriptedServer(answer: answer)
        #expect(client(tokens).text(url) == "Get \"\(url)\": \(text)")
      }
      let tokens = try ScriptedServer(answer: "")
      #expect(
        client(tokens) { $0.tokenURL = "http://127.0.0.1:1/t" }.text(url)
          == "Get \"\(url)\": Post \"http://127.0.0.1:1/t\": dial tcp 127.0.0.1:1: connect: connection refused")
      #expect(
        client(tokens) { $0.clientSecret = .file("/nowhere") }.text(url)
          == "Get \"\(url)\": unable to read oauth2 client secret: unable to read file /nowhere: open /nowhere: no such file or directory"
      )
      #expect(
        client(tokens) {
          $0.scopes = ["a"]
          $0.endpointParameters = ["scope": "b"]
        }.text(url) == "Get \"\(url)\": oauth2: cannot overwrite parameter \"scope\"")
    }

    @Test("a token server that does not answer costs no more than the request's time")
    func slow() throws {
      let tokens = try ScriptedServer { _ in
        sleep(3)
        return ""
      }
      let url = "http://127.0.0.1:1/"
      let text = client(tokens).text(url) { $0.totalMillisecondsMax = 50 }
      #expect(text == "Get \"\(url)\": context deadline exceeded")
    }

    @Test("of many threads without a token one fetches it for all; another secret is another token")
    func threads() throws {
      let server = try OutboundServer()
      let count = Shared(0)
      let tokens = try ScriptedServer { _ in
        count.update { $0 += 1 }
        usleep(50_000)
        return Self.answer("200 OK", "{\"access_token\":\"t\(count.value)\"}")
      }
      let directory = try TemporaryDirectory()
      try directory.write("one", to: "secret")
      let client = client(tokens) { $0.clientSecret = .file(directory.path("secret")) }
      let answers = onThreads(8) { _ in client.echo(server.url("/echo"))["authorization"] }
      #expect(answers == Array(repeating: "Bearer t1", count: 8) && count.value == 1)
      try directory.write("two", to: "secret")
      #expect(client.echo(server.url("/echo"))["authorization"] == "Bearer t2")
    }
  }
}
