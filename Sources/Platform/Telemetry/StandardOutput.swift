import Glibc

/// The process's standard output, for commands.
package enum StandardOutput {
  /// What nobody reads any more (`| head`) is dropped.
  package static func write(_ bytes: [UInt8]) { _ = SystemCalls.writeStream(bytes, to: STDOUT_FILENO) }
}
