import Glibc
import Synchronization

/// A server on a port of the system's choice that answers each connection with what a closure makes of the request's
/// head, and closes it. It ends with the test.
package final class ScriptedServer: Sendable {
  private static let requestBytesMax = 1 << 20

  package let port: Int
  private let listening: Int32
  private let heads: Mutex<[String]>

  package convenience init(answer: String) throws { try self.init { _ in answer } }

  package init(_ answer: @escaping @Sendable (_ head: String) -> String) throws {
    let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listening, address, length) == 0 && listen(listening, 128) == 0
          && getsockname(listening, address, &length) == 0
      }
    }
    guard bound else { throw ScriptedServerError(code: errno) }
    self.listening = listening
    port = Int(UInt16(bigEndian: address.sin_port))
    heads = Mutex([])
    let record: @Sendable (String) -> Void = { [weak self] head in self?.heads.withLock { $0.append(head) } }
    startThread {
      while true {
        let connection = accept(listening, nil, nil)
        if connection < 0 {
          // Closed here and nowhere else: the number may be another socket's at once.
          close(listening)
          return
        }
        startThread {
          let head = Self.readHead(connection)
          record(head)
          Self.send(Array(answer(head).utf8), connection)
          close(connection)
        }
      }
    }
  }

  deinit { shutdown(listening, Int32(SHUT_RDWR)) }

  package func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

  /// The heads of the requests so far, and their bodies as far as they came along.
  package var requests: [String] { heads.withLock { $0 } }

  private static func send(_ bytes: [UInt8], _ connection: Int32) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      sent += count
    }
  }

  /// The head, and the body if its length is told.
  private static func readHead(_ connection: Int32) -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < requestBytesMax {
      let text = String(decoding: bytes, as: UTF8.self)
      if let end = text.firstRange(of: "\r\n\r\n") {
        let length = text[..<end.lowerBound].lowercased().split(separator: "\r\n").compactMap { line in
          line.hasPrefix("content-length:") ? Int(line.dropFirst(15).filter { $0 != " " }) : nil
        }
        if text[end.upperBound...].utf8.count >= length.first ?? 0 { return text }
      }
      let count = recv(connection, &piece, piece.count, 0)
      if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += piece[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

package struct ScriptedServerError: Error {
  package var code: Int32

  package init(code: Int32) { self.code = code }
}
