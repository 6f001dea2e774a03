import Glibc

/// A socket to one address that never waits: the caller asks `wait` which of its sockets are ready. One thread at a time.
package final class ClientSocket: Sendable {
  package enum Kind: Sendable { case datagram, stream }

  package struct SocketError: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }

    fileprivate init(_ operation: String, _ code: Int32) { description = "\(operation): \(errorText(code))" }
  }

  private let descriptor: Int32

  /// Begins to connect; a stream is ready for writing once that has come to an end. The address is an IP address.
  package init(_ kind: Kind, address: String, port: UInt16) throws(SocketError) {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = Int32((kind == .datagram ? SOCK_DGRAM : SOCK_STREAM).rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address, String(port), &hints, &list) == 0, let list else {
      throw SocketError("\(address) is no IP address")
    }
    defer { freeaddrinfo(list) }
    let type = list.pointee.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    descriptor = socket(list.pointee.ai_family, type, 0)
    if descriptor < 0 { throw SocketError("socket", errno) }
    if connect(descriptor, list.pointee.ai_addr, list.pointee.ai_addrlen) != 0, errno != EINPROGRESS {
      let code = errno
      close(descriptor)
      throw SocketError("connect", code)
    }
  }

  deinit { close(descriptor) }

  /// Throws where the connection could not be made, or broke.
  package func check() throws(SocketError) {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
    if code != 0 { throw SocketError("connect", code) }
  }

  /// Returns how many bytes went out; 0 where there is no room now.
  package func send(_ bytes: ArraySlice<UInt8>) throws(SocketError) -> Int {
    let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    if count >= 0 { return count }
    if errno == EAGAIN || errno == EINTR { return 0 }
    throw SocketError("write", errno)
  }

  /// The bytes that have come, of a datagram all of them up to the limit; nil where nothing has, empty where nothing more will.
  package func receive(bytesMax: Int) throws(SocketError) -> [UInt8]? {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: bytesMax) { room, count in
      let received = recv(descriptor, room.baseAddress, room.count, 0)
      code = received < 0 ? errno : 0
      count = max(0, received)
    }
    if code == EAGAIN || code == EINTR { return nil }
    if code != 0 { throw SocketError("read", code) }
    return bytes
  }

  /// Waits until one of the sockets is ready, for writing where it is said so, else for reading, or broken; true for those
  /// that are.
  package static func wait(_ sockets: [(socket: ClientSocket, writes: Bool)], milliseconds: Int) -> [Bool] {
    var polled = sockets.map { one in
      pollfd(fd: one.socket.descriptor, events: Int16(one.writes ? POLLOUT : POLLIN), revents: 0)
    }
    let count = poll(&polled, nfds_t(polled.count), Int32(clamping: max(0, milliseconds)))
    return polled.map { count > 0 && $0.revents != 0 }
  }
}
