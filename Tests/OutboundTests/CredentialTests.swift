import HTTP
import Outbound
import TestKit
import Testing

extension OutboundSocketTests {
  @Suite struct CredentialTests {
    private func client(_ change: (inout ClientSettings) -> Void) -> OutboundClient {
      var settings = ClientSettings()
      change(&settings)
      return OutboundClient(settings, environment: [:])
    }

    @Test("credentials and headers of the settings are added, and those of the request come first")
    func added() throws {
      let server = try OutboundServer()
      let basic = client { $0.credentials = .basic(user: .text("me"), password: .text("pa:ss")) }
      #expect(basic.echo(server.url("/echo"))["authorization"] == "Basic bWU6cGE6c3M=")
      let own = basic.echo(server.url("/echo")) { $0.headers = [("Authorization", "Own x")] }
      #expect(own["authorization"] == "Own x")
      let token = client {
        $0.credentials = .authorization(type: "Token", credentials: .text("t"))
        $0.headers = [
          HeaderSetting(name: "X-A", values: [.text("one")]),
          HeaderSetting(name: "X-Secret", values: [], secrets: [.text("two")]),
        ]
      }
      let headers = token.echo(server.url("/echo"))
      #expect(headers["authorization"] == "Token t" && headers["x-a"] == "one" && headers["x-secret"] == "two")
      #expect(headers["user-agent"] == "apus" && headers["accept-encoding"] == nil)
      #expect(headers["host"] == "127.0.0.1:\(server.port)")
    }

    @Test("files are read at each request, trimmed; one that cannot be read is told as Prometheus does")
    func files() throws {
      let server = try OutboundServer()
      let directory = try TemporaryDirectory()
      let path = directory.path + "/secret"
      let bearer = client { $0.credentials = .authorization(type: "Bearer", credentials: .file(path)) }
      let missing = "unable to read file \(path): open \(path): no such file or directory"
      let url = server.url("/echo")
      #expect(bearer.text(url) == "Get \"\(url)\": unable to read authorization credentials: \(missing)")
      for text in ["one", "two"] {
        try directory.write("\n \(text)\r\n", to: "secret")
        #expect(bearer.echo(url)["authorization"] == "Bearer \(text)")
      }
      let basic = client { $0.credentials = .basic(user: .file(path), password: .file(path + "2")) }
      #expect(
        basic.text(url)
          == "Get \"\(url)\": unable to read basic auth password: unable to read file \(path)2: open \(path)2: no such file or directory"
      )
      let header = client { $0.headers = [HeaderSetting(name: "X-A", values: [], secrets: [.file(directory.path)])] }
      #expect(
        header.text(url)
          == "Get \"\(url)\": unable to read headers file \(directory.path): read \(directory.path): is a directory")
    }

    @Test("on a loop, constant credentials need no worker; files are read by one, and a full one is an error")
    func onLoop() throws {
      let server = try OutboundServer()
      let directory = try TemporaryDirectory()
      try directory.write("word", to: "secret")
      let loop = try ExchangeLoop()
      defer { loop.stop() }
      func start(_ client: OutboundClient, hasRoom: Bool = true) -> (text: String, isPrepared: Bool) {
        let text = Shared<String?>(nil)
        let isPrepared = Shared(false)
        let request = ClientRequest(url: server.url("/echo"))
        client.start(
          request, on: loop,
          prepareOn: { work in
            isPrepared.update { $0 = true }
            if hasRoom { startThread(work) }
            return hasRoom
          },
          then: { result in
            switch result {
            case .success(let answer): text.update { $0 = String(decoding: answer.body, as: UTF8.self) }
            case .failure(let error): text.update { $0 = "\(error)" }
            }
          })
        _ = eventually { text.value != nil }
        return (text.value ?? "", isPrepared.value)
      }
      let constant = client { $0.credentials = .authorization(type: "Bearer", credentials: .text("c")) }
      let straight = start(constant)
      #expect(straight.text.contains("authorization: Bearer c") && !straight.isPrepared)
      let file = client {
        $0.credentials = .authorization(type: "Bearer", credentials: .file(directory.path + "/secret"))
      }
      let prepared = start(file)
      #expect(prepared.text.contains("authorization: Bearer word") && prepared.isPrepared)
      #expect(start(file, hasRoom: false).text == "no thread was free to read the credentials")
      let missing = client { $0.tls.authority = .file("/nowhere/ca") }
      #expect(
        start(missing).text
          == "unable to read CA cert: unable to read file /nowhere/ca: open /nowhere/ca: no such file or directory")
    }
  }
}
