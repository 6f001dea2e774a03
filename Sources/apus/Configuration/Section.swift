import Format

/// A section of the file and the options that it fills: its settings, in the order of the file. Options whose keys the
/// file does not give stay as they are, so that one section can be read over another's result.
struct Section<Options: Sendable>: Sendable {
  private(set) var schema: Schema
  let settings: [Setting<Options>]
  /// The options where the file says nothing: the only place of the defaults.
  let defaults: Options
  /// Conditions between the options once all is filled in, whichever section they came from.
  private let conditions: [@Sendable (Options) -> RuleViolation?]
  /// Prepares the options before the first key is read; not called where the section is empty.
  private let prepare: (@Sendable (inout Options) -> Void)?

  init(
    _ name: String, _ defaults: Options, _ settings: [Setting<Options>], rules: [SchemaRule] = [],
    conditions: [@Sendable (Options) -> RuleViolation?] = [], prepare: (@Sendable (inout Options) -> Void)? = nil
  ) {
    self.settings = settings
    self.defaults = defaults
    self.conditions = conditions
    self.prepare = prepare
    schema = Schema(name, settings.map { $0.key(defaults) }, rules: rules)
  }

  /// The same section for a place whose missing keys come from elsewhere: a printed configuration leaves those out.
  var withoutPresets: Section {
    var section = self
    section.schema = schema.withoutPresets
    return section
  }

  /// Fills `options` with what `value` gives; adds what is wrong to `faults`, with its place.
  func fill(_ options: inout Options, from value: SectionValue, _ faults: inout [ConfigurationFault]) {
    if !value.given.isEmpty { prepare?(&options) }
    for setting in settings where value.isGiven(setting.name) { setting.read?(value, &options, &faults) }
    for condition in conditions {
      if let violation = condition(options) { faults.append(value.fault(violation)) }
    }
  }
}

extension SectionValue {
  /// A violation at its place in the file.
  func fault(_ violation: RuleViolation) -> ConfigurationFault {
    ConfigurationFault(
      position: violation.position ?? violation.key.flatMap { given[$0] } ?? position,
      message: "\(schema.name): \(violation.message)")
  }
}
