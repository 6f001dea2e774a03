import Format
import Model

/// A value of the configuration with its type.
indirect enum ConfigurationValue: Sendable {
  case text(String)
  case secret(String)
  case url(String)
  case boolean(Bool)
  case milliseconds(Int64)
  case bytes(Int64)
  case integer(Int64)
  case number(Double)
  /// The selector as written, and its matchers compiled.
  case selector(String, [CompiledMatcher])
  case list([ConfigurationValue])
  case map([(key: String, value: ConfigurationValue)])
  case section(SectionValue)

  /// Says nothing: what a required key must not be.
  var isEmpty: Bool {
    switch self {
    case .text(let text), .secret(let text), .url(let text), .selector(let text, _): text.isEmpty
    case .list(let values): values.isEmpty
    case .map(let entries): entries.isEmpty
    default: false
    }
  }
}

/// A section of the configuration: the value of each key that is given or has a default. Immutable once read.
struct SectionValue: Sendable {
  let schema: Schema
  let position: YAMLPosition
  private(set) var values: [String: ConfigurationValue] = [:]
  /// Keys that the file gives, with where they stand.
  private(set) var given: [String: YAMLPosition] = [:]

  init(_ schema: Schema, at position: YAMLPosition) {
    self.schema = schema
    self.position = position
  }

  mutating func set(_ key: String, _ value: ConfigurationValue, givenAt position: YAMLPosition? = nil) {
    values[key] = value
    if let position { given[key] = position }
  }

  func isGiven(_ key: String) -> Bool { given[key] != nil }

  // Each accessor gives nil where the key has neither value nor default. Asking for a key that the schema does not
  // know, or for a type that its shape does not have, is our own mistake.

  subscript(_ key: String) -> ConfigurationValue? {
    precondition(schema[key] != nil, "\(schema.name) has no key \(key)")
    return values[key]
  }

  func text(_ key: String) -> String? {
    switch self[key] {
    case .text(let text), .secret(let text), .url(let text): text
    default: nil
    }
  }

  func boolean(_ key: String) -> Bool? { if case .boolean(let value) = self[key] { value } else { nil } }
  func milliseconds(_ key: String) -> Int64? { if case .milliseconds(let value) = self[key] { value } else { nil } }
  func bytes(_ key: String) -> Int? { if case .bytes(let value) = self[key] { Int(value) } else { nil } }
  func integer(_ key: String) -> Int? { if case .integer(let value) = self[key] { Int(value) } else { nil } }
  func number(_ key: String) -> Double? { if case .number(let value) = self[key] { value } else { nil } }
  func matchers(_ key: String) -> [CompiledMatcher] {
    if case .selector(_, let matchers) = self[key] { matchers } else { [] }
  }

  func section(_ key: String) -> SectionValue? { if case .section(let value) = self[key] { value } else { nil } }

  func texts(_ key: String) -> [String] {
    guard case .list(let values) = self[key] else { return [] }
    return values.compactMap { if case .text(let text) = $0 { text } else { nil } }
  }

  func sections(_ key: String) -> [SectionValue] {
    guard case .list(let values) = self[key] else { return [] }
    return values.compactMap { if case .section(let section) = $0 { section } else { nil } }
  }

  /// The pairs of a map of texts, in the order of the file.
  func pairs(_ key: String) -> [(name: String, value: String)] {
    guard case .map(let entries) = self[key] else { return [] }
    return entries.compactMap { if case .text(let text) = $0.value { ($0.key, text) } else { nil } }
  }
}
