import Glibc
import Synchronization
import TestKit

@testable import Discovery

/// A name server on a port of 127.0.0.1, over UDP and TCP, whose answers a closure makes. It ends with the test.
final class NameServer: Sendable {
  /// A question as the server sees it.
  struct Question: Sendable {
    var id: UInt16
    var name: String
    var type: UInt16
    var hasExtension: Bool
    var isStream: Bool
    /// The question section, to be repeated.
    var section: [UInt8]
  }

  typealias Answering = @Sendable (Question) -> [[UInt8]]

  let port: UInt16
  private let sockets: [Int32]
  private let asked = Mutex<[Question]>([])

  /// `answering` gives the datagrams to send, or over TCP the messages.
  init(_ answering: @escaping Answering) throws {
    var made: (datagram: Int32, stream: Int32, port: UInt16)?
    for _ in 0..<50 where made == nil { made = NameServer.bindBoth() }
    guard let made else { throw ScriptedServerError(code: errno) }
    port = made.port
    sockets = [made.datagram, made.stream]
    let record: @Sendable (Question) -> Void = { [weak self] question in self?.asked.withLock { $0.append(question) } }
    let datagram = made.datagram
    startThread { NameServer.serveDatagrams(datagram, record, answering) }
    let stream = made.stream
    startThread {
      while true {
        let connection = accept(stream, nil, nil)
        if connection < 0 { return }
        NameServer.serveStream(connection, record, answering)
        close(connection)
      }
    }
  }

  deinit {
    for socket in sockets {
      shutdown(socket, Int32(SHUT_RDWR))
      close(socket)
    }
  }

  var questions: [Question] { asked.withLock { $0 } }

  private static func bindBoth() -> (Int32, Int32, UInt16)? {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let datagram = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    let stream = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(datagram, address, length) == 0 && getsockname(datagram, address, &length) == 0
          && bind(stream, address, length) == 0 && listen(stream, 16) == 0
      }
    }
    if isBound { return (datagram, stream, UInt16(bigEndian: address.sin_port)) }
    close(datagram)
    close(stream)
    return nil
  }

  private static func serveDatagrams(
    _ socket: Int32, _ record: (Question) -> Void, _ answering: Answering
  ) {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      var peer = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let count = withUnsafeMutablePointer(to: &peer) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(socket, &buffer, 4096, 0, $0, &length) }
      }
      if count <= 0 { return }
      guard let question = parse(Array(buffer[..<count]), isStream: false) else { continue }
      record(question)
      for answer in answering(question) {
        _ = withUnsafePointer(to: &peer) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(socket, answer, answer.count, 0, $0, length)
          }
        }
      }
    }
  }

  private static func serveStream(_ connection: Int32, _ record: (Question) -> Void, _ answering: Answering) {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(connection, &buffer, buffer.count, 0)
    guard count > 2, let question = parse(Array(buffer[2..<count]), isStream: true) else { return }
    record(question)
    for answer in answering(question) {
      let bytes = [UInt8(answer.count >> 8), UInt8(answer.count & 0xff)] + answer
      // In two pieces: the reader has to put them together.
      for piece in [bytes[..<1], bytes[1...]] {
        _ = piece.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      }
    }
  }

  private static func parse(_ bytes: [UInt8], isStream: Bool) -> Question? {
    var reader = DNSReader(bytes)
    guard let id = try? reader.number(), (try? reader.number()) == 0x0100, (try? reader.number()) == 1,
      (try? reader.number()) == 0, (try? reader.number()) == 0, let more = try? reader.number(),
      let name = try? reader.name(), let type = try? reader.number(), (try? reader.number()) == 1
    else { return nil }
    return Question(
      id: id, name: DNSName.text(name), type: type, hasExtension: more == 1, isStream: isStream,
      section: Array(bytes[12..<(12 + name.count + 4)]))
  }
}

extension NameServer.Question {
  /// An answer with these records, each behind a pointer to the question's name.
  func answer(
    code: UInt16 = 0, isTruncated: Bool = false, id: UInt16? = nil, _ records: [(type: UInt16, data: [UInt8])] = []
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ numbers: UInt16...) {
      for number in numbers { bytes += [UInt8(number >> 8), UInt8(number & 0xff)] }
    }
    append(id ?? self.id, 0x8180 | code | (isTruncated ? 0x0200 : 0), 1, UInt16(records.count), 0, 0)
    bytes += section
    for record in records {
      append(0xc00c, record.type, 1, 0, 30, UInt16(record.data.count))
      bytes += record.data
    }
    return bytes
  }
}

/// The data of an SRV record.
func srv(_ target: String, _ port: UInt16) -> (type: UInt16, data: [UInt8]) {
  (33, [0, 1, 0, 2, UInt8(port >> 8), UInt8(port & 0xff)] + (DNSName.wire(target) ?? []))
}
