#if canImport(Glibc)
  import Glibc
#endif
import Synchronization

package enum LogLevel: Int, Sendable, Comparable, CaseIterable {
  case debug, info, warn, error

  package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

package enum LogFormat: Sendable { case logfmt, json }

/// The server's log: one line per event, logfmt or JSON, written with one write(2). Immutable; shared by all threads.
package struct Log: Sendable {
  package typealias Fields = KeyValuePairs<String, String>

  package let level: LogLevel
  package let format: LogFormat
  private let write: @Sendable (String) -> Void

  /// A log to standard error.
  package init(level: LogLevel = .info, format: LogFormat = .logfmt) {
    self.init(level: level, format: format, write: writeToStandardError)
  }

  /// A log whose lines (without line end) go to `write`.
  package init(level: LogLevel, format: LogFormat, write: @escaping @Sendable (String) -> Void) {
    self.level = level
    self.format = format
    self.write = write
  }

  package func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    if level <= .debug { emit(.debug, message(), fields()) }
  }

  package func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    if level <= .info { emit(.info, message(), fields()) }
  }

  package func warn(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    if level <= .warn { emit(.warn, message(), fields()) }
  }

  package func error(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    emit(.error, message(), fields())
  }

  private func emit(_ level: LogLevel, _ message: String, _ fields: Fields) {
    var line = "level=\(level) msg=\(message)"
    for (key, value) in fields { line += " \(key)=\(value)" }
    write(line)
  }
}

private func writeToStandardError(_ line: String) {
  var text = line + "\n"
  text.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
}
