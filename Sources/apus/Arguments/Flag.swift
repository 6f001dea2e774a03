import Format
import Model

/// How this version treats a flag.
enum FlagUse: Sendable {
  case served
  /// Known from Prometheus, checked, without effect here.
  case accepted
}

/// One row of the flag table: parsing, help and `/api/v1/status/flags` all come from it.
struct Flag: Sendable {
  var name: String
  /// `--name` is true and `--no-name` false where it is a boolean.
  var shape: Shape
  /// The default in the form of the command line; empty where there is none.
  var preset: String
  var use: FlagUse
  var isRepeatable: Bool
  /// True if the help leaves it out, as Prometheus does with its own.
  var isHidden: Bool
  var help: String

  init(
    _ name: String, _ shape: Shape, _ preset: String, use: FlagUse = .served, isRepeatable: Bool = false,
    isHidden: Bool = false, _ help: String
  ) {
    self.name = name
    self.shape = shape
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

extension Flag {
  var isBoolean: Bool { if case .boolean = shape { true } else { false } }

  /// `text` in the form the flag prints in; nil where it is no such value.
  func canonical(_ text: String) -> String? {
    switch shape {
    // Strictly, as in Prometheus: the file knows more words for them, and numbers are written otherwise.
    case .boolean: ["true", "false"].contains(text) ? text : nil
    case .integer(let range): Flag.integer(text).flatMap { range.contains($0) ? String($0) : nil }
    case .number(let range): Double(text).flatMap { range.contains($0) ? text : nil }
    case .duration: DurationText.parse(text).map { DurationText.format($0) }
    case .size: ByteSizeText.parse(text).flatMap { $0 < 0 ? nil : ByteSizeText.format($0) }
    default: shape.value(YAMLScalar(text)) == nil ? nil : text
    }
  }

  /// A whole number, which may be written as a float: `5e7`.
  static func integer(_ text: String) -> Int64? {
    if let integer = Int64(text) { return integer }
    guard let float = Double(text), float == float.rounded(), abs(float) < 0x1p63 else { return nil }
    return Int64(float)
  }
}
