import Model

/// The reason why a target's answer cannot be read, in Prometheus's words, and where.
package struct ExpositionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The number of the line, from 1; 0 in a format without lines.
  package var line: Int
  package var problem: String

  package init(line: Int, problem: String) {
    self.line = line
    self.problem = problem
  }

  package var description: String { line > 0 ? "line \(line): \(problem)" : problem }
}

/// Bytes as errors about expositions quote them.
enum EscapedText {
  /// Of longer texts only the beginning is told.
  static let bytesMax = 4096

  static func quoted(_ bytes: LentBytes) -> String {
    // One more, so that it shows that there is more.
    QuotedText.go(Array(bytes.prefix(bytesMax + 1))[...], bytesMax: bytesMax)
  }

  static func quoted(_ text: String) -> String { text.lend { quoted($0) } }
}
