import Glibc
import TestKit

/// A proxy that connects whoever asks with CONNECT to a port of 127.0.0.1.
final class TunnelProxy: Sendable {
  let port: Int
  let heads = Shared<[String]>([])
  private let listening: Int32

  init() throws {
    let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listening, $0, length) == 0 && listen(listening, 8) == 0 && getsockname(listening, $0, &length) == 0
      }
    }
    guard bound else { throw ScriptedServerError(code: errno) }
    self.listening = listening
    port = Int(UInt16(bigEndian: address.sin_port))
    let heads = heads
    startThread {
      while true {
        let client = accept(listening, nil, nil)
        if client < 0 {
          // Closed here and nowhere else: the number may be another socket's at once.
          close(listening)
          return
        }
        startThread { Self.serve(client, heads) }
      }
    }
  }

  deinit { shutdown(listening, Int32(SHUT_RDWR)) }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  private static func serve(_ client: Int32, _ heads: Shared<[String]>) {
    defer { close(client) }
    var head = ""
    var byte: UInt8 = 0
    while !head.hasSuffix("\r\n\r\n"), head.utf8.count < 65_536, recv(client, &byte, 1, 0) == 1 {
      head.unicodeScalars.append(.init(byte))
    }
    let words = head.split(separator: " ")
    guard words.count > 1, let colon = words[1].lastIndex(of: ":"),
      let port = UInt16(words[1][words[1].index(after: colon)...])
    else { return }
    let text = head
    heads.update { $0.append(text) }
    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(server) }
    var address = loopback(port)
    let connected = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    if !connected { return }
    let answer = Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)
    send(client, answer, answer.count, Int32(MSG_NOSIGNAL))
    pump(client, server)
  }

  private static func pump(_ one: Int32, _ other: Int32) {
    var polled = [
      pollfd(fd: one, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
    ]
    var piece = [UInt8](repeating: 0, count: 65_536)
    while poll(&polled, 2, 15_000) > 0 {
      for (index, to) in [(0, other), (1, one)] where polled[index].revents != 0 {
        let count = recv(polled[index].fd, &piece, piece.count, 0)
        if count <= 0 || send(to, piece, count, Int32(MSG_NOSIGNAL)) < 0 { return }
      }
    }
  }
}
