import Glibc
import Synchronization
import TestKit

/// The targets of a measurement: one port on as many loopback addresses, so that each is a host of its own to who scrapes it.
/// One thread answers all with bytes made before. It ends with the process.
final class TargetFarm: Sendable {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  let addresses: [String]
  private let port: UInt16
  private let bodies: ScrapeBodies
  private let listening: [Int32: Int]
  private let served: Mutex<[Int]>

  /// 127.1.0.1 and on.
  private static func address(_ target: Int) -> UInt32 {
    0x7f01_0001 + UInt32(target / 250) << 8 + UInt32(target % 250)
  }
  private static let headBytesMax = 64 << 10

  init(targets: Int, _ bodies: ScrapeBodies) throws(Failure) {
    Self.raiseDescriptorLimit()
    self.bodies = bodies
    port = FreePort.next()
    served = Mutex(Array(repeating: 0, count: targets))
    var listening: [Int32: Int] = [:]
    var addresses: [String] = []
    for target in 0..<targets {
      let address = Self.address(target)
      let descriptor = try Self.listen(address, port)
      listening[descriptor] = target
      addresses.append("\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255):\(port)")
    }
    self.listening = listening
    self.addresses = addresses
    startThread { self.run() }
  }

  /// Answers given since the last `reset`: in all, and by the target with the fewest.
  var answers: (all: Int, least: Int) { served.withLock { ($0.reduce(0, +), $0.min() ?? 0) } }

  /// All targets begin with their first moment.
  func reset() { served.withLock { counts in for target in counts.indices { counts[target] = 0 } } }

  // MARK: The thread

  private struct Connection {
    var target: Int
    var head: [UInt8] = []
    var answer: [UInt8] = []
    var sent = 0
  }

  private func run() {
    var connections: [Int32: Connection] = [:]
    var room = [UInt8](repeating: 0, count: Self.headBytesMax)
    let doors = listening.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while true {
      var watched = doors
      for (descriptor, connection) in connections {
        let events = connection.answer.isEmpty ? POLLIN : POLLOUT
        watched.append(pollfd(fd: descriptor, events: Int16(events), revents: 0))
      }
      poll(&watched, nfds_t(watched.count), -1)
      for one in watched where one.revents != 0 {
        if let target = listening[one.fd] {
          let accepted = accept(one.fd, nil, nil)
          if accepted < 0 { continue }
          connections[accepted] = Connection(target: target)
        } else if var connection = connections.removeValue(forKey: one.fd) {
          // Taken out while it changes, so that nothing is copied.
          if serve(one.fd, &connection, &room) { connections[one.fd] = connection } else { close(one.fd) }
        }
      }
    }
  }

  /// False at the end of the connection.
  private func serve(_ descriptor: Int32, _ connection: inout Connection, _ room: inout [UInt8]) -> Bool {
    if connection.answer.isEmpty {
      let count = recv(descriptor, &room, room.count, Int32(MSG_DONTWAIT))
      guard count > 0, connection.head.count + count <= Self.headBytesMax else { return count < 0 && errno == EAGAIN }
      connection.head += room[..<count]
      guard connection.head.suffix(4) == [13, 10, 13, 10] else { return true }
      connection.answer = answer(connection.target, String(decoding: connection.head, as: UTF8.self))
      connection.head.removeAll(keepingCapacity: true)
    }
    while connection.sent < connection.answer.count {
      let count = connection.answer.withUnsafeBytes {
        send(
          descriptor, $0.baseAddress! + connection.sent, $0.count - connection.sent,
          Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      guard count > 0 else { return errno == EAGAIN }
      connection.sent += count
    }
    connection.answer = []
    connection.sent = 0
    return true
  }

  private func answer(_ target: Int, _ head: String) -> [UInt8] {
    let number = served.withLock { counts in
      counts[target] += 1
      return counts[target] - 1
    }
    // Not all targets are at the same moment.
    let moment = (target % 16 + number) % ScrapeBodies.count
    let isCompressed = head.lowercased().contains("gzip")
    let body = isCompressed ? bodies.compressed[moment] : bodies.plain[moment]
    let text =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: \(body.count)\r\n"
      + (isCompressed ? "Content-Encoding: gzip\r\n\r\n" : "\r\n")
    return Array(text.utf8) + body
  }

  // MARK: Sockets

  private static func listen(_ host: UInt32, _ port: UInt16) throws(Failure) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_INET, kind, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = host.bigEndian
    address.sin_port = port.bigEndian
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 && Glibc.listen(descriptor, 16) == 0
      }
    }
    guard isBound else {
      throw Failure(description: "no socket for a target at port \(port): \(String(cString: strerror(errno)))")
    }
    return descriptor
  }

  /// Two descriptors a target: what it listens on, and its connection.
  private static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
