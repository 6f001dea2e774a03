import Glibc
import HTTP
import TestKit
import Testing

extension HTTPSocketTests {
  @Suite struct HostileHeadTests {
    private func server() throws -> TestServer {
      try TestServer({ $0.headerBytesMax = 16 << 10 }) { router in
        router.add([.get, .post], "/", readsForm: false) { .text(200, "\($0.body.count)") }
      }
    }

    /// Heads whose end the server can see, with the answers that are right.
    private static let complete: [(head: String, statuses: Set<Int>)] = [
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\nhello", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: x\r\n\r\nhello", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", [200]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999999999\r\n\r\n", [400, 413]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n", [400, 413]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", [400, 413]),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", [400, 501]),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", [400, 501]),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", [400]),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", [400, 413]),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", [400]),
      ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", [400]),
      ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", [400]),
      ("GET / HTTP/1.1\nHost: a\n\n", [200, 400]),
      ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", [400, 505]),
      ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", [400, 505]),
      ("GET / FTP/1.1\r\nHost: a\r\n\r\n", [400]),
      ("GET  HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
      ("GET\r\n\r\n", [400]),
      ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", [405, 501]),
      ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
      ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
      ("GET /?\(String(repeating: "a=1&", count: 20_000)) HTTP/1.1\r\nHost: a\r\n\r\n", [414, 431]),
      ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "A: b\r\n", count: 20_000))\r\n", [431]),
      ("GET / HTTP/1.1\r\nHost: a\r\nCookie: \(String(repeating: "a=1; ", count: 3_000))\r\n\r\n", [200, 431]),
    ]

    @Test("hostile heads get exactly one answer, at once, however they are cut into pieces")
    func heads() throws {
      let server = try server()
      for (head, statuses) in Self.complete {
        for pieces in [1, 2, 5] {
          let text = head.count > 200 ? "\(head.prefix(60))..." : head
          let started = ContinuousClock.now
          let bytes = try answer(server, Array(head.utf8), pieces: pieces)
          let status = Self.statuses(bytes)
          #expect(status.count == 1 && statuses.contains(status.first ?? 0), "\(text.debugDescription): \(status)")
          #expect(ContinuousClock.now - started < .seconds(8), "\(text.debugDescription) in \(pieces) pieces")
        }
      }
      #expect(server.get("/")?.text == "0\n")
    }

    /// All that comes until the connection ends, or until there is one whole answer and then nothing more.
    private func answer(_ server: TestServer, _ bytes: [UInt8], pieces: Int) throws -> [UInt8] {
      let client = server.client()
      let size = max(1, (bytes.count + pieces - 1) / pieces)
      for start in stride(from: 0, to: bytes.count, by: size) {
        if start > 0 { usleep(2_000) }
        client.send(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      return client.readWhatComes()
    }

    /// The codes of all status lines.
    private static func statuses(_ bytes: [UInt8]) -> [Int] {
      let text = String(decoding: bytes, as: UTF8.self)
      return text.split(separator: "HTTP/1.1 ", omittingEmptySubsequences: false).dropFirst().map {
        Int($0.prefix(3)) ?? 0
      }
    }

    @Test("mutations of hostile heads get at most one answer for each request, and harm nobody")
    func mutations() throws {
      let server = try server()
      var random = RandomSource(for: "hostile heads")
      for _ in 0..<300 {
        var bytes = Array(Self.complete[Int(random.next() % UInt64(Self.complete.count))].head.utf8.prefix(400))
        for _ in 0..<(1 + random.next() % 4) {
          let place = Int(random.next() % UInt64(bytes.count))
          switch random.next() % 4 {
          case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
          case 1: bytes.insert(contentsOf: [[13, 10], [0], [58], [32], [9]][Int(random.next() % 5)], at: place)
          case 2: bytes.remove(at: place)
          default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
          }
          if bytes.isEmpty { bytes = [65] }
        }
        let client = server.client()
        client.send(bytes)
        client.finishSending()
        let answers = String(decoding: client.readToEnd(), as: UTF8.self).components(of: "HTTP/1.1 ")
        let text = String(decoding: bytes, as: UTF8.self).debugDescription
        // An end of a head in the middle may have made two requests of one: but nothing follows an answer that is the last.
        #expect(answers.dropLast().allSatisfy { !$0.contains("Connection: close") }, "\(text): \(answers)")
      }
      #expect(server.get("/")?.text == "0\n")
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
    }
  }
}

extension String {
  fileprivate func components(of separator: String) -> [Substring] {
    split(separator: separator, omittingEmptySubsequences: false).dropFirst().map { $0 }
  }
}
