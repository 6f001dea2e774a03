import Glibc
import Synchronization

/// The process's standard error as a place for whole lines. The mutex keeps a line whole that the system takes in parts
/// (a pipe is only atomic up to 4 KiB).
package enum StandardError {
  private static let lock = Mutex<Void>(())

  /// One write(2) for the line and its end. What standard error refuses (closed, a full disk, a full non-blocking pipe)
  /// is lost: there is no place left to report it, and a log must not stop the server.
  @Sendable package static func writeLine(_ line: String) { writeLine(line, to: STDERR_FILENO) }

  static func writeLine(_ line: String, to descriptor: Int32) {
    let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
    lock.withLock { _ in _ = SystemCalls.writeStream(bytes, to: descriptor) }
  }
}
