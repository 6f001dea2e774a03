import Glibc
import HTTP
import Outbound
import TestKit
import Testing

extension OutboundSocketTests {
  @Suite struct StreamTests {
    private let client = OutboundClient(ClientSettings(), environment: [:])

    @Test("a long answer is handed on piece by piece, past every limit of a whole one, until it is enough")
    func pieces() throws {
      let length = 300_000
      let server = try ScriptedServer { _ in
        "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n" + String(repeating: "a", count: length)
      }
      var request = ClientRequest(url: server.url("/"))
      request.responseBytesMax = 10
      var count = 0
      let answer = try client.stream(request) {
        count += $0.count
        return true
      }
      #expect(answer.status == 200 && answer.body.isEmpty && count == length)
      var first = 0
      let cut = try client.stream(request) {
        first += $0.count
        return false
      }
      #expect(cut.status == 200 && first > 0 && first < length)
    }

    @Test("an answer of another status is not handed on, and its text is cut at the limit")
    func refused() throws {
      let server = try ScriptedServer(answer: "HTTP/1.1 410 Gone\r\nContent-Length: 12\r\n\r\ntoo old, ask")
      var request = ClientRequest(url: server.url("/"))
      request.responseBytesMax = 7
      let answer = try client.stream(request) { _ in
        Issue.record("a piece of a refusal")
        return false
      }
      #expect(answer.status == 410 && answer.statusText == "410 Gone" && answer.body == Array("too old".utf8))
      #expect(try client.send(request).body == Array("too old".utf8))
    }

    @Test("a stream ends when it is cancelled, and when its time is over")
    func ends() throws {
      let server = try ScriptedServer { _ in
        sleep(3)
        return ""
      }
      var request = ClientRequest(url: server.url("/"))
      #expect(throws: HTTPClientError.cancelled) { try client.stream(request, isCancelled: { true }) { _ in true } }
      request.totalMillisecondsMax = 50
      #expect(throws: HTTPClientError.timedOut) { try client.stream(request) { _ in true } }
    }

    @Test("a socket in the file system stands for the host")
    func unixSocket() throws {
      let directory = try TemporaryDirectory()
      let path = directory.path("s")
      let listening = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(listening) }
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(listening, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(listening, 1) == 0
        }
      }
      try #require(bound)
      startThread {
        for _ in 0..<2 {
          let connection = accept(listening, nil, nil)
          var piece = [UInt8](repeating: 0, count: 65_536)
          _ = recv(connection, &piece, piece.count, 0)
          let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".utf8)
          _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
          close(connection)
        }
      }
      #expect(client.text("http:///a") { $0.unixSocket = path } == "hi")
      #expect(client.text("http://host/a") { $0.unixSocket = path } == "hi")
      #expect(
        client.text("http://host/a") { $0.unixSocket = path + "2" }
          == "Get \"http://host/a\": dial unix \(path)2: connect: no such file or directory")
    }
  }
}
