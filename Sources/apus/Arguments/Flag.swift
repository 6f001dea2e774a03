import Model

/// What a flag takes. Each kind knows how to check a text and how to print it in its own form.
enum FlagKind: Sendable, Equatable {
  case text
  /// `--name` is true, `--no-name` false.
  case boolean
  case duration
  /// Bytes with a unit: `512MB`.
  case size
  /// A whole number, which may be written as a float: `5e7`.
  case integer(ClosedRange<Int64>)
  case number(ClosedRange<Double>)
  case choice([String])
  /// `host:port`, `:port` or `[v6]:port`.
  case listenAddress
  /// Comma-separated names.
  case names
}

/// What this version does with a flag.
enum FlagUse: Sendable, Equatable {
  case served
  /// Known from Prometheus, checked, without effect here.
  case accepted
}

/// One row of the flag table: parsing, help and `/api/v1/status/flags` all come from it.
struct Flag: Sendable {
  var name: String
  var kind: FlagKind
  /// In the form of the command line; empty where there is none.
  var preset: String
  var use: FlagUse
  var isRepeatable: Bool
  /// Left out of the help, as Prometheus does with its own.
  var isHidden: Bool
  var help: String

  init(
    _ name: String, _ kind: FlagKind, _ preset: String, use: FlagUse = .served, isRepeatable: Bool = false,
    isHidden: Bool = false, _ help: String
  ) {
    self.name = name
    self.kind = kind
    self.preset = preset
    self.use = use
    self.isRepeatable = isRepeatable
    self.isHidden = isHidden
    self.help = help
  }

  /// The environment variable that stands below the flag: `APUS_STORAGE_TSDB_PATH`.
  var environmentName: String {
    "APUS_" + name.map { $0 == "." || $0 == "-" ? "_" : String($0) }.joined().uppercased()
  }
}

extension FlagKind {
  /// `text` in the form the flag prints in; nil where it is no such value.
  func canonical(_ text: String) -> String? {
    switch self {
    case .text, .names: return text
    case .boolean: return ["true", "false"].contains(text) ? text : nil
    case .duration: return DurationText.parse(text).map { DurationText.format($0) }
    case .size: return ByteSizeText.parse(text).flatMap { $0 < 0 ? nil : ByteSizeText.format($0) }
    case .integer(let range): return FlagKind.integer(text).flatMap { range.contains($0) ? String($0) : nil }
    case .number(let range): return Double(text).flatMap { range.contains($0) ? text : nil }
    case .choice(let words): return words.contains(text) ? text : nil
    case .listenAddress: return ListenAddress(text) == nil ? nil : text
    }
  }

  /// What a value must look like, for an error message.
  var expected: String {
    switch self {
    case .text: "a text"
    case .boolean: "true or false"
    case .duration: "a duration such as 30s, 1h30m or 15d"
    case .size: "a size with a unit such as 512MB or 10GiB"
    case .integer(let range):
      range.upperBound == .max
        ? "a whole number from \(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .choice(let words): "one of " + words.joined(separator: ", ")
    case .listenAddress: "host:port or :port"
    case .names: "names separated by commas"
    }
  }

  static func integer(_ text: String) -> Int64? {
    if let integer = Int64(text) { return integer }
    guard let float = Double(text), float == float.rounded(), abs(float) < 0x1p63 else { return nil }
    return Int64(float)
  }
}
