import Glibc
import TestKit
import Testing

@testable import HTTP

extension HTTPSocketTests {
  @Suite struct ExchangeLoopTests {
    private func server() throws -> TestServer {
      try TestServer({ $0.threadCount = 2 }) { router in
        router.add(.get, "/from") { .text(200, $0.remoteAddress) }
        router.add(.get, "/n/{n}") { .text(200, $0.pathParameter("n")) }
        router.add(.get, "/hop/{n}") { request in
          let left = Int(request.pathParameter("n")) ?? 0
          return left == 0 ? .text(200, "arrived") : Response(status: 302).with(header: "Location", "/hop/\(left - 1)")
        }
        router.add(.get, "/zeros") { _ in
          Response(contentType: .text, body: .bytes(Array(repeating: 0x30, count: 5_000_000)))
        }
        router.add(.get, "/never", run: .queued(TestExecutor().run)) { request in
          while !request.isCancelled { usleep(1000) }
          return .noContent
        }
      }
    }

    private func wait(
      _ loop: ExchangeLoop, _ request: ClientRequest, _ options: HTTPClientOptions = HTTPClientOptions()
    ) -> Result<ClientResponse, HTTPClientError>? {
      let result = Shared<Result<ClientResponse, HTTPClientError>?>(nil)
      loop.start(request, options) { answer in result.update { $0 = answer } }
      _ = eventually { result.value != nil }
      return result.value
    }

    private func failure(_ result: Result<ClientResponse, HTTPClientError>?) -> HTTPClientError? {
      if case .failure(let error) = result { return error }
      return nil
    }

    @Test("two thousand exchanges at once each get their own answer, over no more connections than are allowed")
    func many() throws {
      let server = try server()
      var limits = ExchangeLoop.Limits()
      limits.exchangesMax = 100
      let loop = try ExchangeLoop(limits: limits)
      let right = Shared(0)
      let ended = Shared(0)
      for number in 0..<2_000 {
        loop.start(ClientRequest(url: server.url("/n/\(number)")), HTTPClientOptions()) { result in
          if case .success(let answer) = result, answer.body == Array("\(number)\n".utf8) { right.update { $0 += 1 } }
          ended.update { $0 += 1 }
        }
      }
      #expect(eventually { ended.value == 2_000 })
      #expect(right.value == 2_000 && loop.count == 0)
      #expect(server.metric("apus_http_open_connections") <= 100)
      loop.stop()
    }

    @Test("exchanges one after the other share a connection, and redirects are followed")
    func reuse() throws {
      let server = try server()
      let loop = try ExchangeLoop()
      let ports = (0..<5).map { _ in try? wait(loop, ClientRequest(url: server.url("/from")))?.get().body }
      #expect(Set(ports).count == 1 && ports[0] != nil)
      #expect(try wait(loop, ClientRequest(url: server.url("/hop/3")))?.get().body == Array("arrived\n".utf8))
      var options = HTTPClientOptions()
      options.redirects = .followed(max: 2)
      let tooMany = failure(wait(loop, ClientRequest(url: server.url("/hop/3")), options))
      #expect(tooMany?.description == "stopped after 2 redirects")
      loop.stop()
    }

    @Test("time, bytes and headers of an exchange are bounded, also when a bomb of gzip is sent")
    func bounds() throws {
      let server = try server()
      let loop = try ExchangeLoop()
      var request = ClientRequest(url: server.url("/zeros"))
      request.acceptsGzip = true
      request.responseBytesMax = 4_999_999
      #expect(failure(wait(loop, request)) == .responseTooLarge(bytesMax: 4_999_999))
      request.responseBytesMax = 5_000_000
      #expect(try wait(loop, request)?.get().body.count == 5_000_000)
      var options = HTTPClientOptions()
      options.responseHeaderBytesMax = 20
      #expect(failure(wait(loop, ClientRequest(url: server.url("/from")), options)) == .headersTooLarge(bytesMax: 20))
      var never = ClientRequest(url: server.url("/never"))
      never.totalMillisecondsMax = 50
      #expect(failure(wait(loop, never)) == .timedOut)
      loop.stop()
    }

    @Test("what unpacks to hundreds of times its size is refused once it is large, whatever the limit")
    func bomb() throws {
      var stream = try #require(Gunzip())
      // 100 MB of zeros, packed a thousand to one, in pieces.
      let packed = gzipCompressed([UInt8](repeating: 0, count: 100 << 20))
      var made = 0
      var outcome = Gunzip.Outcome.ok
      packed.withUnsafeBytes { bytes in
        var place = 0
        while place < bytes.count, outcome == .ok {
          let end = min(place + 16_384, bytes.count)
          outcome = stream.take(UnsafeRawBufferPointer(rebasing: bytes[place..<end])) {
            made += $0.count
            return true
          }
          place = end
        }
      }
      #expect(outcome == .bomb && made <= Gunzip.freeBytesMax + 65_536, "\(outcome), \(made)")
      // A small one may be as dense as it likes.
      stream = try #require(Gunzip())
      made = 0
      gzipCompressed([UInt8](repeating: 0, count: 8 << 20)).withUnsafeBytes { bytes in
        outcome = stream.take(bytes) {
          made += $0.count
          return true
        }
      }
      #expect(outcome == .ok && made == 8 << 20)
    }

    @Test("stopping ends what is under way and what is started later, each exactly once")
    func stop() throws {
      let server = try server()
      let loop = try ExchangeLoop()
      let ended = Shared<[HTTPClientError?]>([])
      for _ in 0..<10 {
        loop.start(ClientRequest(url: server.url("/never")), HTTPClientOptions()) { result in
          if case .failure(let error) = result { ended.update { $0.append(error) } }
        }
      }
      #expect(eventually { server.metric("apus_http_open_connections") == 10 })
      loop.stop()
      #expect(ended.value == Array(repeating: .cancelled, count: 10))
      loop.start(ClientRequest(url: server.url("/from")), HTTPClientOptions()) { result in
        if case .failure(let error) = result { ended.update { $0.append(error) } }
      }
      #expect(ended.value.count == 11 && loop.count == 0)
    }

    @Test("a server that closes without a word, and one that breaks off, are told apart")
    func broken() throws {
      let loop = try ExchangeLoop()
      for (answer, error) in [
        ("", HTTPClientError.noAnswer),
        ("hello", .failed("net/http: HTTP/1.x transport connection broken: malformed HTTP response")),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .answerCut),
        (
          "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc",
          .failed("gzip: invalid header or data")
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: GZIP\r\n\r\nabc", .cancelled),
      ] {
        let server = try ScriptedServer(answer: answer)
        let result = wait(loop, ClientRequest(url: "http://127.0.0.1:\(server.port)/"))
        if error == .cancelled {
          #expect(try result?.get().body == Array("abc".utf8))
        } else {
          #expect(failure(result) == error)
        }
      }
      loop.stop()
    }
  }
}
