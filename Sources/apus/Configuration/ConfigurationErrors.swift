import Format

/// One error in the file: its place and a message.
struct ConfigurationFault: Sendable, Equatable {
  var position: YAMLPosition
  var message: String
}

/// Everything that is wrong with a configuration, in the order of the file: `file:line:column: message`.
struct ConfigurationErrors: Error, CustomStringConvertible {
  /// At most so many errors are printed; nobody would read more.
  static let listedMax = 20

  var file: String
  var faults: [ConfigurationFault]
  /// The reason why the file could not be read at all; nil where it could.
  var reason: String?

  /// Lines about other files that the file names, each with its place.
  private var others: [String] = []

  init(file: String, lines: [String]) {
    self.file = file
    faults = []
    others = lines
  }

  init(file: String, faults: [ConfigurationFault]) {
    self.file = file
    self.faults = faults.sorted { ($0.position.line, $0.position.column) < ($1.position.line, $1.position.column) }
  }

  init(file: String, reason: String) {
    self.file = file
    self.reason = reason
    faults = []
  }

  var lines: [String] {
    if let reason { return ["\(file): \(reason)"] }
    if !others.isEmpty {
      let rest = others.count - ConfigurationErrors.listedMax
      return others.prefix(ConfigurationErrors.listedMax) + (rest > 0 ? ["and \(rest) more errors"] : [])
    }
    var lines = faults.prefix(ConfigurationErrors.listedMax).map { "\(file):\($0.position): \($0.message)" }
    if faults.count > lines.count { lines.append("\(file): and \(faults.count - lines.count) more errors") }
    return lines
  }

  var description: String { lines.joined(separator: "\n") }
}
