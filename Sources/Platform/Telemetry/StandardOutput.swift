import Glibc

/// The process's standard output, for commands.
package enum StandardOutput {
  /// Writes bytes; drops them where nobody reads any more (`| head`).
  package static func write(_ bytes: [UInt8]) { _ = SystemCalls.writeStream(bytes, to: STDOUT_FILENO) }
}
