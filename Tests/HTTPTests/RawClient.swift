import Glibc
import Testing

/// A client that sends exactly the bytes it is told and reads what comes, to say what a proper client never would.
final class RawClient {
  let descriptor: Int32
  private var received: [UInt8] = []
  private(set) var isAtEnd = false
  /// The connection ended with a reset instead of an orderly end.
  private(set) var wasReset = false

  struct Answer: Equatable {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  init(port: Int) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    #expect(code == 0, "connect: \(errno)")
    // No test waits longer than this for bytes that do not come.
    var timeout = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { Glibc.close(descriptor) }

  /// False when the server does not take them.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
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

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// So that the server notices sooner that nobody reads.
  func shrinkReceiveBuffer() {
    var bytes: Int32 = 64 << 10
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Takes what has come, up to `bytesMax`, for the next answer.
  func receiveSome(_ bytesMax: Int) {
    var piece = [UInt8](repeating: 0, count: bytesMax)
    let count = recv(descriptor, &piece, piece.count, Int32(MSG_DONTWAIT))
    if count > 0 { received += piece[..<count] }
  }

  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// One more piece; false at the end.
  private func receive() -> Bool {
    var piece = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &piece, piece.count, 0)
    if count > 0 {
      received += piece[..<count]
      return true
    }
    isAtEnd = true
    wasReset = count < 0 && errno == ECONNRESET
    #expect(count == 0 || errno != EAGAIN, "nothing came within ten seconds")
    return false
  }

  /// All that comes: until the server closes, or nothing more has come for a tenth of a second after the first bytes.
  func readWhatComes() -> [UInt8] {
    while receive() {
      var socket = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&socket, 1, 100) == 0 { break }
    }
    defer { received.removeAll() }
    return received
  }

  /// All until the server closes.
  func readToEnd() -> [UInt8] {
    while receive() {}
    defer { received.removeAll() }
    return received
  }

  /// The next answer, its body by length, chunks or end; nil when the connection ends within it.
  func readAnswer(isHead: Bool = false) -> Answer? {
    while true {
      guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else {
        if !receive() { return nil }
        continue
      }
      let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
      received.removeSubrange(..<end.upperBound)
      let status = lines.first.flatMap { Int($0.dropFirst("HTTP/1.1 ".count).prefix(3)) } ?? 0
      var headers: [String: String] = [:]
      for line in lines.dropFirst() {
        let colon = line.firstIndex(of: ":") ?? line.endIndex
        headers[line[..<colon].lowercased()] = String(line[colon...].dropFirst().drop { $0 == " " })
      }
      guard let body = isHead ? [] : readBody(headers) else { return nil }
      return Answer(status: status, headers: headers, body: body)
    }
  }

  private func readBody(_ headers: [String: String]) -> [UInt8]? {
    if let length = headers["content-length"].flatMap({ Int($0) }) { return take(length) }
    guard headers["transfer-encoding"] == "chunked" else { return headers["connection"] == "close" ? readToEnd() : [] }
    var body: [UInt8] = []
    while true {
      guard let line = takeLine(), let size = Int(line, radix: 16), let chunk = take(size), takeLine() == "" else {
        return nil
      }
      if size == 0 { return body }
      body += chunk
    }
  }

  private func take(_ count: Int) -> [UInt8]? {
    while received.count < count { if !receive() { return nil } }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }

  private func takeLine() -> String? {
    while true {
      if let end = received.firstRange(of: Array("\r\n".utf8)) {
        defer { received.removeSubrange(..<end.upperBound) }
        return String(decoding: received[..<end.lowerBound], as: UTF8.self)
      }
      if !receive() { return nil }
    }
  }
}

extension Array where Element == UInt8 {
  func firstRange(of other: [UInt8]) -> Range<Int>? {
    guard count >= other.count else { return nil }
    for start in 0...(count - other.count) where self[start..<start + other.count].elementsEqual(other) {
      return start..<start + other.count
    }
    return nil
  }
}
