import Glibc
import Synchronization
import TestKit

/// A server on a port of 127.0.0.1 that answers as a test says, byte for byte; one request for each connection. Ends with
/// the test.
final class ChunkServer: Sendable {
  struct Request: Sendable {
    var path: String
    var query: [String: String]
    /// Names in lower case.
    var headers: [String: String]
  }

  /// The way back to the client.
  struct Answer {
    fileprivate let descriptor: Int32

    /// False when the client has gone.
    @discardableResult
    func send(_ text: String) -> Bool {
      let bytes = Array(text.utf8)
      var offset = 0
      while offset < bytes.count {
        let count = bytes.withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
        }
        if count <= 0 { return false }
        offset += count
      }
      return true
    }

    func send(status: Int, _ body: String, headers: [String] = [], type: String = "application/json") {
      let lines =
        ["HTTP/1.1 \(status) Status", "Content-Type: \(type)", "Content-Length: \(body.utf8.count)"] + headers
      send(lines.joined(separator: "\r\n") + "\r\nConnection: close\r\n\r\n" + body)
    }

    /// The head of an answer that comes in chunks.
    func beginChunks() {
      send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
    }

    @discardableResult
    func sendChunk(_ text: String) -> Bool { send(String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n") }

    func endChunks() { send("0\r\n\r\n") }

    /// True once the client has closed its side.
    var isGone: Bool {
      var byte: UInt8 = 0
      return recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0
    }
  }

  let port: Int
  private let listener: Int32
  private let isClosed = Mutex(false)

  var url: String { "http://127.0.0.1:\(port)" }

  init(_ handler: @escaping @Sendable (Request, Answer) -> Void) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    self.listener = listener
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        precondition(bind(listener, $0, length) == 0 && listen(listener, 128) == 0, "no port")
        getsockname(listener, $0, &length)
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    startThread {
      while true {
        let descriptor = accept(listener, nil, nil)
        if descriptor < 0 { return }
        startThread {
          if let request = Self.read(descriptor) { handler(request, Answer(descriptor: descriptor)) }
          close(descriptor)
        }
      }
    }
  }

  deinit { stop() }

  /// Refuses new connections.
  func stop() {
    isClosed.withLock { isClosed in
      if isClosed { return }
      isClosed = true
      shutdown(listener, Int32(SHUT_RDWR))
      close(listener)
    }
  }

  private static func read(_ descriptor: Int32) -> Request? {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while !String(decoding: bytes, as: UTF8.self).contains("\r\n\r\n") {
      let count = recv(descriptor, &piece, piece.count, 0)
      guard count > 0, bytes.count < 64 << 10 else { return nil }
      bytes += piece[..<count]
    }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count == 3 else { return nil }
    let target = words[1].split(separator: "?", maxSplits: 1)
    var query: [String: String] = [:]
    for pair in target.count > 1 ? target[1].split(separator: "&") : [] {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      query[decoded(parts[0])] = parts.count > 1 ? decoded(parts[1]) : ""
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      headers[line[..<colon].lowercased()] = String(value)
    }
    return Request(path: String(target[0]), query: query, headers: headers)
  }

  private static func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if byte == UInt8(ascii: "%"), let value = UInt8(digits, radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
