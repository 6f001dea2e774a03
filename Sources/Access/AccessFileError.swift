import Format

/// A file about access that cannot be used. All that is wrong with it, each with its place.
package struct AccessFileError: Error, Sendable, Equatable, CustomStringConvertible {
  package var lines: [String]

  package init(_ lines: [String]) { self.lines = lines }
  package init(_ line: String) { lines = [line] }

  package var description: String { lines.joined(separator: "\n") }
}
