import CShims
import Glibc

/// The library's callbacks: the only place where its contexts become objects. A connection is retained when it starts
/// and released when it is closed; the core outlives the daemon because the server owns both.
enum DaemonCallbacks {
  /// The connection's memory beyond the headers: for the head of the answer.
  private static let connectionSpareBytes = 16 * 1024
  /// Connections that a thread of the library may have to hold beyond our own limits: those whose place was given away
  /// and that it has yet to close. It must never reach its limit: it would keep a lock then.
  private static let connectionsSpare = 256

  /// A configuration without socket and certificates.
  static func configuration(core: ServerCore) -> apus_mhd_configuration {
    let options = core.options
    var configuration = apus_mhd_configuration()
    configuration.thread_count = UInt32(
      options.threadCount > 0 ? options.threadCount : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    // Twice: the library keeps a record of every header. What is not touched costs no memory.
    configuration.connection_memory_bytes = 2 * options.headerBytesMax + connectionSpareBytes
    configuration.connections_per_thread_max = UInt32(ConnectionLimits(options).socketsMax + connectionsSpare)
    configuration.idle_timeout_seconds = UInt32(options.idleTimeoutSeconds)
    configuration.context = Unmanaged.passUnretained(core).toOpaque()
    configuration.request_line = requestLineReceived
    configuration.access = accessRequested
    configuration.completed = requestCompleted
    configuration.notify = connectionNotified
    configuration.log = messageLogged
    return configuration
  }
}

private func connectionNotified(
  context: UnsafeMutableRawPointer?, handle: OpaquePointer?,
  slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, event: MHD_ConnectionNotificationCode
) {
  guard let context, let handle, let slot else { return }
  let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
  if event == .CONNECTION_NOTIFY_STARTED {
    let connection = Connection(core: core, handle: handle)
    core.table.insert(connection)
    slot.pointee = Unmanaged.passRetained(connection).toOpaque()
  } else if let stored = slot.pointee {
    slot.pointee = nil
    let connection = Unmanaged<Connection>.fromOpaque(stored).takeRetainedValue()
    connection.close()
    core.table.remove(connection)
  }
}

/// The result becomes the request's context.
private func requestLineReceived(
  context: UnsafeMutableRawPointer?, target: UnsafePointer<CChar>?, handle: OpaquePointer?
) -> UnsafeMutableRawPointer? {
  guard let handle, let stored = apus_mhd_context(handle) else { return nil }
  Unmanaged<Connection>.fromOpaque(stored)._withUnsafeGuaranteedRef { $0.startRequest(target: target) }
  return stored
}

private func accessRequested(
  context: UnsafeMutableRawPointer?, handle: OpaquePointer?, target: UnsafePointer<CChar>?,
  method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?, piece: UnsafePointer<CChar>?,
  pieceCount: UnsafeMutablePointer<Int>?, slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
  guard let stored = slot?.pointee, let pieceCount else { return .NO }
  return Unmanaged<Connection>.fromOpaque(stored)._withUnsafeGuaranteedRef { connection in
    switch connection.stage {
    case .started: return connection.receiveHead(method: method, target: target, version: version)
    case .receiving:
      if pieceCount.pointee == 0 { return connection.run() }
      let bytes = UnsafeRawBufferPointer(start: piece, count: pieceCount.pointee)
      pieceCount.pointee = 0
      return connection.receiveBody(bytes)
    case .queued: return connection.resumeQueued()
    case .responded: return .NO
    }
  }
}

private func requestCompleted(
  context: UnsafeMutableRawPointer?, handle: OpaquePointer?,
  slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, code: MHD_RequestTerminationCode
) {
  guard let stored = slot?.pointee else { return }
  Unmanaged<Connection>.fromOpaque(stored)._withUnsafeGuaranteedRef { $0.finishRequest(code) }
}

/// How the library's line begins when it refuses a request itself.
private let libraryRefusal = "Error processing request"

private func messageLogged(
  context: UnsafeMutableRawPointer?, format: UnsafePointer<CChar>?, arguments: CVaListPointer?
) {
  guard let context, let format, let arguments else { return }
  let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
  // Most of it is about clients that went away.
  core.log.debug(message(format, arguments))
  if strncmp(format, libraryRefusal, strlen(libraryRefusal)) == 0 {
    core.unfinishedHeads.ofThisThread().refuseMalformedLengths()
  }
}

private func message(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
    guard let base = buffer.baseAddress, vsnprintf(base, buffer.count, format, arguments) > 0 else { return "" }
    let text = String(cString: base)
    return text.last == "\n" ? String(text.dropLast()) : text
  }
}
