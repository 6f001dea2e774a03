import Format
import Model
import PromQL

/// The terms under which rule files are read. A value.
package struct RuleFileOptions: Sendable {
  /// Keys that are not known are passed over; else each is an error.
  package var ignoresUnknownKeys = false
  /// Names have the narrow charset only: `global.metric_name_validation_scheme: legacy`.
  package var namesAreLegacy = false
  /// The parts of the language that are on.
  package var language = ParserOptions()
  package var limits = RuleFileOptions.documentLimits

  /// The longest file in bytes, and the most nodes that its aliases stand for.
  package static let documentLimits = YAMLDocument.Limits(bytesMax: 32 << 20, depthMax: 64, nodesMax: 2_000_000)

  package init() {}
}

/// A rule file that was read and checked. A value.
package struct RuleFile: Sendable {
  /// The groups in the order of the file.
  package var groups: [RuleGroupDefinition]
  /// Texts about what may be a mistake.
  package var warnings: [String] = []

  package var ruleCount: Int { groups.reduce(0) { $0 + $1.rules.count } }

  /// The groups of a file; `path` is the name that groups and errors give it.
  package static func read(
    _ bytes: [UInt8], path: String, options: RuleFileOptions = .init()
  ) throws(RuleFileErrors) -> [RuleGroupDefinition] {
    try RuleFile(bytes, path: path, options: options).groups
  }

  /// One group whose keys are those of the whole text, as the APIs of stored rules take it.
  package static func readGroup(
    _ bytes: [UInt8], path: String, options: RuleFileOptions = .init()
  ) throws(RuleFileErrors) -> RuleGroupDefinition {
    let document = try document(bytes, path, options)
    var reader = RuleFileReader(path, ignoresUnknownKeys: options.ignoresUnknownKeys)
    let group = reader.group(document.root)
    let errors = reader.errors
    if !errors.isEmpty { throw errors }
    var check = RuleFileCheck(path: path, options: options)
    check.check(group)
    if !check.errors.isEmpty { throw check.errors }
    return RuleFileCheck.definition(group, path)
  }

  package init(_ bytes: [UInt8], path: String, options: RuleFileOptions = .init()) throws(RuleFileErrors) {
    let document = try RuleFile.document(bytes, path, options)
    var reader = RuleFileReader(path, ignoresUnknownKeys: options.ignoresUnknownKeys)
    let written = reader.groups(document.root)
    // Prometheus checks nothing more of a file that does not have the shape of one.
    let errors = reader.errors
    if !errors.isEmpty { throw errors }
    var check = RuleFileCheck(path: path, options: options)
    for group in written { check.check(group) }
    if !check.errors.isEmpty { throw check.errors }
    groups = written.map { RuleFileCheck.definition($0, path) }
    warnings = check.warnings
    if document.secondDocument != nil {
      let told = "Multiple document yaml rules files are not supported, only the first document is processed"
      warnings.append(path.isEmpty ? told : "\(path): \(told)")
    }
  }

  private static func document(
    _ bytes: [UInt8], _ path: String, _ options: RuleFileOptions
  ) throws(RuleFileErrors) -> YAMLDocument {
    do throws(YAMLError) {
      return try YAMLDocument.parse(bytes, limits: options.limits)
    } catch {
      throw RuleFileErrors([RuleFileError(file: path, text: "yaml: line \(error.position.line): \(error.what)")])
    }
  }
}
