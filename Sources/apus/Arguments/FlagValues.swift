import Model

/// The reason why the program cannot obey a command line: one line.
struct ArgumentError: Error, Equatable, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

/// The value of every flag of the table, wherever it came from. Each text has been checked by its flag's shape and is in
/// the flag's own form.
struct FlagValues: Sendable {
  private var given: [String: [String]] = [:]

  /// True if the command line or the environment named the flag.
  func isGiven(_ name: String) -> Bool { given[name] != nil }

  /// Flags that the command line or the environment named, in the order of the table.
  var givenFlags: [Flag] { FlagTable.rows.filter { given[$0.name] != nil } }

  func texts(_ name: String) -> [String] {
    guard let flag = FlagTable.byName[name] else { preconditionFailure("no flag --\(name)") }
    return given[name] ?? (flag.preset.isEmpty ? [] : [flag.canonical(flag.preset) ?? flag.preset])
  }

  func text(_ name: String) -> String { texts(name).joined(separator: ",") }
  func boolean(_ name: String) -> Bool { text(name) == "true" }
  func milliseconds(_ name: String) -> Int64 { DurationText.parse(text(name)) ?? 0 }
  func bytes(_ name: String) -> Int { Int(ByteSizeText.parse(text(name)) ?? 0) }
  func integer(_ name: String) -> Int { Int(Flag.integer(text(name)) ?? 0) }

  /// Takes a value of the command line; `source` is how the error names the flag.
  mutating func set(_ flag: Flag, to text: String, source: String) throws(ArgumentError) {
    guard let canonical = flag.canonical(text) else {
      throw ArgumentError("\(source): \(quoted(text)) is not \(flag.shape.expected)")
    }
    if given[flag.name] != nil && !flag.isRepeatable { throw ArgumentError("\(source) is given more than once") }
    given[flag.name, default: []].append(canonical)
  }

  /// Fills in what the command line left open from `APUS_...` variables.
  mutating func fill(from environment: [String: String]) throws(ArgumentError) {
    for flag in FlagTable.rows where given[flag.name] == nil {
      guard let text = environment[flag.environmentName] else { continue }
      let parts = flag.isRepeatable ? text.split(separator: ",").map(String.init) : [text]
      for part in parts { try set(flag, to: part, source: "environment variable \(flag.environmentName)") }
    }
  }
}
