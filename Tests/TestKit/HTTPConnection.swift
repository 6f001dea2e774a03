import Glibc

/// One blocking HTTP/1.1 client connection to a loopback port, kept alive between requests. Written apart from the
/// server's own HTTP code on purpose, so that the two cannot share a mistake.
/// Owned by one thread. Every wait has a limit.
package struct HTTPConnection: ~Copyable {
  package static let answerLimitBytes = 1 << 30

  package let port: UInt16
  private let descriptor: Int32
  /// Where the kernel puts bytes, before they join those that wait in `buffer`.
  private let received: UnsafeMutableRawBufferPointer
  private var buffer: [UInt8] = []
  private var consumed = 0

  package init(port: UInt16, timeout: Duration = .seconds(30)) throws(HTTPFailure) {
    self.port = port
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw HTTPFailure.cannotConnect(String(cString: strerror(errno))) }
    var limit = timeval(
      tv_sec: Int(timeout.components.seconds), tv_usec: Int(timeout.components.attoseconds / 1_000_000_000_000))
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    guard withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw HTTPFailure.cannotConnect(reason)
    }
    self.descriptor = descriptor
    received = .allocate(byteCount: 64 << 10, alignment: 16)
  }

  deinit {
    close(descriptor)
    received.deallocate()
  }

  /// One request and its answer.
  package mutating func exchange(
    _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8] = []
  ) throws(HTTPFailure) -> HTTPAnswer {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost:\(port)\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if !body.isEmpty || method == "POST" || method == "PUT" { head += "Content-Length: \(body.count)\r\n" }
    try send(Array((head + "\r\n").utf8) + body)
    return try readAnswer(toHead: method == "HEAD")
  }

  /// Bytes as they are: for requests that no honest client sends.
  package mutating func send(_ bytes: [UInt8]) throws(HTTPFailure) {
    if let failure = bytes.withUnsafeBytes({ sendAll($0) }) { throw failure }
  }

  package mutating func send(_ bytes: UnsafeRawBufferPointer) throws(HTTPFailure) {
    if let failure = sendAll(bytes) { throw failure }
  }

  private func sendAll(_ bytes: UnsafeRawBufferPointer) -> HTTPFailure? {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = Glibc.send(descriptor, part.baseAddress!, part.count, Int32(MSG_NOSIGNAL))
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN { return .timedOut }
      guard count > 0 else { return .closed(beforeAnswer: true) }
      rest = rest.dropFirst(count)
    }
    return nil
  }

  /// Says that no more bytes will be sent, and keeps reading.
  package mutating func finishSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

  /// True when the peer closes (or resets) the connection before the time limit, with nothing more to say.
  package mutating func isClosedByPeer() -> Bool {
    do {
      return try !fill()
    } catch {
      return error != .timedOut
    }
  }

  /// Reads one answer; `toHead` when it answers a HEAD and therefore has no body.
  package mutating func readAnswer(toHead: Bool = false) throws(HTTPFailure) -> HTTPAnswer {
    while true {
      var answer = try readHead()
      guard answer.status >= 200 else { continue }  // 100 Continue precedes the answer
      let hasBody = !toHead && answer.status != 204 && answer.status != 304
      if hasBody {
        if answer.header("Transfer-Encoding")?.lowercased() == "chunked" {
          answer.body = try readChunks()
        } else if let length = answer.header("Content-Length") {
          guard let count = Int(length), count >= 0, count <= Self.answerLimitBytes else {
            throw .malformed("Content-Length: \(length)")
          }
          answer.body = try take(count)
        } else if !answer.keepsAlive {
          while try fill() {}
          answer.body = Array(buffer[consumed...])
          consumed = buffer.count
        } else {
          throw .malformed("an answer without a length on a connection that stays open")
        }
      }
      return answer
    }
  }

  private mutating func readHead() throws(HTTPFailure) -> HTTPAnswer {
    let statusLine = try readLine(beforeAnswer: true)
    let parts = statusLine.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count >= 2, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0", let status = Int(parts[1]) else {
      throw .malformed(statusLine)
    }
    var answer = HTTPAnswer(status: status, reason: parts.count > 2 ? String(parts[2]) : "", headers: [], body: [])
    while true {
      let line = try readLine(beforeAnswer: false)
      if line.isEmpty { return answer }
      guard let colon = line.firstIndex(of: ":") else { throw .malformed(line) }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      answer.headers.append((String(line[..<colon]), String(value)))
    }
  }

  private mutating func readChunks() throws(HTTPFailure) -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let line = try readLine(beforeAnswer: false)
      guard let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0, body.count + size <= Self.answerLimitBytes
      else { throw .malformed("chunk size: \(line)") }
      if size == 0 {
        while try !readLine(beforeAnswer: false).isEmpty {}  // trailers
        return body
      }
      body += try take(size)
      guard try readLine(beforeAnswer: false).isEmpty else { throw .malformed("a chunk longer than its size") }
    }
  }

  private mutating func readLine(beforeAnswer: Bool) throws(HTTPFailure) -> String {
    var scanned = consumed
    while true {
      if let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
        guard end > consumed, buffer[end - 1] == UInt8(ascii: "\r") else { throw .malformed("a line without CR LF") }
        let line = String(decoding: buffer[consumed..<end - 1], as: UTF8.self)
        consumed = end + 1
        return line
      }
      scanned = buffer.count
      let nothingYet = beforeAnswer && scanned == consumed
      if nothingYet {
        buffer.removeAll(keepingCapacity: true)
        consumed = 0
        scanned = 0
      }
      guard try fill() else { throw .closed(beforeAnswer: nothingYet) }
    }
  }

  private mutating func take(_ count: Int) throws(HTTPFailure) -> [UInt8] {
    while buffer.count - consumed < count {
      guard try fill() else { throw .closed(beforeAnswer: false) }
    }
    defer { consumed += count }
    return Array(buffer[consumed..<consumed + count])
  }

  /// Reads more into the buffer; false at the end of the stream.
  private mutating func fill() throws(HTTPFailure) -> Bool {
    while true {
      let count = recv(descriptor, received.baseAddress!, received.count, 0)
      if count > 0 {
        buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: received[..<count]))
        return true
      }
      if count == 0 { return false }
      switch errno {
      case EINTR: continue
      case EAGAIN: throw .timedOut
      default: throw .closed(beforeAnswer: buffer.count == consumed)
      }
    }
  }
}
