// The server's log. A `Log` is a small immutable value that every part holds a copy of; `LogLine` knows how an event
// looks, `StandardError` how it leaves the process.

package enum LogLevel: Int, Sendable, Comparable, CaseIterable {
  case debug, info, warn, error

  package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

  /// The level of a flag's value (`debug`, `info`, `warn`, `error`).
  package init?(flagValue: String) {
    guard let level = Self.allCases.first(where: { "\($0)" == flagValue }) else { return nil }
    self = level
  }

  /// The level's name as it stands in a line.
  package var name: String {
    switch self {
    case .debug: "DEBUG"
    case .info: "INFO"
    case .warn: "WARN"
    case .error: "ERROR"
    }
  }
}

package enum LogFormat: Sendable, CaseIterable {
  case logfmt, json

  /// The format of a flag's value (`logfmt`, `json`).
  package init?(flagValue: String) {
    guard let format = Self.allCases.first(where: { "\($0)" == flagValue }) else { return nil }
    self = format
  }
}

/// One line per event, logfmt or JSON, written with one write(2). Immutable; shared by all threads.
package struct Log: Sendable {
  package typealias Fields = KeyValuePairs<String, String>

  package let level: LogLevel
  package let format: LogFormat
  private let clock: any Clock
  private let write: @Sendable (String) -> Void
  /// Gets each line as JSON besides, of every level from `info` on.
  private var copy: (@Sendable (String) -> Void)?
  /// Stands in every line, behind the fields of its own.
  private var context: [(key: String, value: String)] = []

  /// A log to standard error.
  package init(level: LogLevel = .info, format: LogFormat = .logfmt) {
    self.init(level: level, format: format, write: StandardError.writeLine)
  }

  /// A log whose lines (without line end) go to `write`.
  package init(
    level: LogLevel, format: LogFormat, clock: any Clock = SystemClock(), write: @escaping @Sendable (String) -> Void
  ) {
    self.level = level
    self.format = format
    self.clock = clock
    self.write = write
  }

  /// The same log, with one more field in every line.
  package func adding(_ key: String, _ value: String) -> Log {
    var log = self
    log.context.append((key, value))
    return log
  }

  /// The same log, whose lines from `info` on also go to `copy`, as JSON and without line end.
  package func copying(to copy: @escaping @Sendable (String) -> Void) -> Log {
    var log = self
    log.copy = copy
    return log
  }

  package func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    if level <= .debug { emit(.debug, message(), fields()) }
  }

  package func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    if level <= .info || copy != nil { emit(.info, message(), fields()) }
  }

  package func warn(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    if level <= .warn || copy != nil { emit(.warn, message(), fields()) }
  }

  package func error(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
    emit(.error, message(), fields())
  }

  private func emit(_ level: LogLevel, _ message: String, _ fields: Fields) {
    let now = clock.nowMilliseconds()
    if level >= self.level {
      write(
        LogLine.text(format, milliseconds: now, level: level, message: message, fields: fields, context: context))
    }
    guard let copy, level >= .info else { return }
    copy(LogLine.text(.json, milliseconds: now, level: level, message: message, fields: fields, context: context))
  }
}
