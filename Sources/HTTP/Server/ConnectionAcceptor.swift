import CShims
import Glibc
import Platform

/// The thread that takes new connections from the listening socket, decides about each, and gives it to the library. One
/// per server; ends when told, and closes the listening socket.
///
/// The library never sees the listening socket: its workers take it out of their epoll sets without a lock when they are
/// told to stop listening, and end the process when two of them do.
final class ConnectionAcceptor: @unchecked Sendable {
  /// How long nothing is accepted when the system or the library has no room.
  private static let pauseMilliseconds: Int32 = 20

  private let core: ServerCore
  private let daemon: OpaquePointer
  private let listening: Int32
  /// Closing its writing end stops the thread.
  private let stopPipe: (reading: Int32, writing: Int32)
  private var thread: NamedThread?
  /// True while the system gives no descriptor: told once.
  private var isStarved = false

  /// Starts the thread, which owns the listening socket from then on.
  init(core: ServerCore, daemon: OpaquePointer, listening: Int32) throws(HTTPServerError) {
    self.core = core
    self.daemon = daemon
    self.listening = listening
    stopPipe = try ConnectionAcceptor.makePipe()
    do throws(ThreadError) {
      thread = try NamedThread(name: "http-accept") { [unowned self] in run() }
    } catch {
      close(stopPipe.reading)
      close(stopPipe.writing)
      throw .cannotStart(reason: "\(error)")
    }
  }

  static func makePipe() throws(HTTPServerError) -> (reading: Int32, writing: Int32) {
    var ends: (Int32, Int32) = (-1, -1)
    let made = withUnsafeMutablePointer(to: &ends) { pointer in
      pointer.withMemoryRebound(to: Int32.self, capacity: 2) { apus_pipe($0) }
    }
    guard made == 0 else { throw .cannotStart(reason: errorText(errno)) }
    return ends
  }

  /// Ends the thread and closes the listening socket: who connects now is refused by the system. Called once.
  func stop() {
    close(stopPipe.writing)
    thread?.join()
    close(stopPipe.reading)
    close(listening)
  }

  private func run() {
    var sockets = [
      pollfd(fd: stopPipe.reading, events: Int16(POLLIN), revents: 0),
      pollfd(fd: listening, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      let count = poll(&sockets, nfds_t(sockets.count), -1)
      if sockets[0].revents != 0 { return }
      guard count > 0, sockets[1].revents != 0 else { continue }
      if !acceptOne() {
        // Who waits stays in the system's queue for that long.
        if poll(&sockets, 1, Self.pauseMilliseconds) > 0 { return }
      }
    }
  }

  /// False when nothing can be accepted now.
  private func acceptOne() -> Bool {
    if core.table.isCrowded { return false }
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &address) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        let socket = apus_accept(listening, address, &length)
        if socket < 0 { return noteFailure(errno) }
        isStarved = false
        decide(socket, address, length)
        return true
      }
    }
  }

  /// True for failures of one connection, which say nothing about the next.
  private func noteFailure(_ code: Int32) -> Bool {
    guard code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM else { return code != EAGAIN }
    core.metrics.refuse(.system)
    if !isStarved {
      isStarved = true
      core.log.warn(
        "New connections wait: the system has no room for them", ["err": errorText(code), "port": "\(core.port)"])
    }
    return false
  }

  private func decide(_ socket: Int32, _ address: UnsafeMutablePointer<sockaddr>, _ length: socklen_t) {
    switch core.table.admit(socket, from: PeerAddress(address)?.network) {
    case .admitted(let evicted):
      if let evicted { core.metrics.evict(evicted) }
      // The library closes the socket where it fails.
      _ = MHD_add_connection(daemon, socket, address, length)
    case .refused(let reason):
      core.metrics.refuse(reason)
      if !core.isTLS {
        let head = BareAnswer.tooManyConnections.rawBytes
        send(socket, head.baseAddress, head.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      close(socket)
    }
  }
}
