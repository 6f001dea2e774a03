import Format
import Model
import PromQL

/// Checks groups as written, and makes definitions of them. Used for one file.
struct RuleFileCheck {
  let path: String
  let options: RuleFileOptions
  private(set) var errors = RuleFileErrors()
  private(set) var warnings: [String] = []
  private var names: Set<[UInt8]> = []

  /// The most warnings of one file.
  static let warningsMax = 100

  init(path: String, options: RuleFileOptions) {
    self.path = path
    self.options = options
  }

  mutating func check(_ group: WrittenGroup) {
    if group.name.isEmpty { add("\(group.position): Groupname must not be empty") }
    if !names.insert(Array(group.name.utf8)).inserted {
      add("\(group.position): groupname: \"\(group.name)\" is repeated in the same file")
    }
    for label in group.labels where !isLabelName(label.name) { add("invalid label name: \(label.name)") }
    for (place, rule) in group.rules.enumerated() { check(rule, place + 1, of: group.name) }
  }

  private mutating func check(_ rule: WrittenRule, _ number: Int, of group: String) {
    let record = rule.record?.text ?? ""
    let alert = rule.alert?.text ?? ""
    let title = "group \(quoted(group)), rule \(number), \(quoted(alert.isEmpty ? record : alert))"
    func tell(_ text: String) { add("\(title): \(text)") }
    func tell(_ place: RuleFileText?, _ text: String) { add("\(RuleFileCheck.place(place)): \(title): \(text)") }
    func tellBoth(_ text: String) {
      add("\(RuleFileCheck.place(rule.record)): \(RuleFileCheck.place(rule.alert)): \(title): \(text)")
    }

    if !record.isEmpty && !alert.isEmpty { tellBoth("only one of 'record' and 'alert' must be set") }
    if record.isEmpty && alert.isEmpty { tellBoth("one of 'record' or 'alert' must be set") }
    if let fault = expressionFault(rule.expression?.text ?? "") { tell(rule.expression, fault) }
    if !record.isEmpty {
      if !rule.annotations.isEmpty { tell(rule.record, "invalid field 'annotations' in recording rule") }
      if rule.holdMilliseconds != 0 { tell(rule.record, "invalid field 'for' in recording rule") }
      if rule.keepFiringMilliseconds != 0 { tell(rule.record, "invalid field 'keep_firing_for' in recording rule") }
      if options.namesAreLegacy && !LabelName.isLegacyMetric(record) {
        tell(rule.record, "invalid recording rule name: \(record)")
      }
      if record.utf8.contains(UInt8(ascii: "{")) || record.utf8.contains(UInt8(ascii: "}")) {
        tell(rule.record, "braces present in the recording rule name; should it be in expr?: \(record)")
      }
    }
    for label in rule.labels where !isLabelName(label.name) { tell("invalid label name: \(label.name)") }
    for annotation in rule.annotations where !isName(annotation.name) {
      tell("invalid annotation name: \(annotation.name)")
    }
    if alert.isEmpty { return }
    for label in rule.labels {
      do throws(TemplateError) {
        if try AlertTemplate(label.text, name: alert).usesValue {
          warn(
            "\(title): label \(quoted(label.name)) has $value: each change of the value ends the alert and begins "
              + "another one; annotations may have it")
        }
      } catch {
        tell("label \(quoted(label.name)): \(error)")
      }
    }
    for annotation in rule.annotations {
      do throws(TemplateError) { _ = try AlertTemplate(annotation.text, name: alert) } catch {
        tell("annotation \(quoted(annotation.name)): \(error)")
      }
    }
  }

  private func expressionFault(_ text: String) -> String? {
    if text.isEmpty { return "field 'expr' must be set in rule" }
    do throws(ParseError) {
      _ = try Parser.parse(text, options: options.language)
      return nil
    } catch {
      return "could not parse expression: \(error)"
    }
  }

  /// An absent key is at `0:0`, as in Prometheus.
  private static func place(_ text: RuleFileText?) -> String { text.map { "\($0.position)" } ?? "0:0" }

  private func isName(_ name: String) -> Bool {
    options.namesAreLegacy ? LabelName.isLegacy(name) : LabelName.isValid(name)
  }

  private func isLabelName(_ name: String) -> Bool { isName(name) && name != LabelName.metric }

  private mutating func add(_ text: String) { errors.add(RuleFileError(file: path, text: text)) }

  private mutating func warn(_ text: String) {
    if warnings.count < RuleFileCheck.warningsMax { warnings.append(path.isEmpty ? text : "\(path): \(text)") }
  }

  /// The group's definition; it has been checked.
  static func definition(_ group: WrittenGroup, _ path: String) -> RuleGroupDefinition {
    RuleGroupDefinition(
      file: path, name: group.name,
      intervalMilliseconds: group.intervalMilliseconds == 0 ? nil : group.intervalMilliseconds,
      queryOffsetMilliseconds: group.queryOffsetMilliseconds, limit: group.limit,
      rules: group.rules.map { definition($0, group.labels) })
  }

  private static func definition(_ rule: WrittenRule, _ groupLabels: [TemplateField]) -> RuleDefinition {
    let alert = rule.alert?.text ?? ""
    let terms = RuleDefinition.AlertTerms(
      holdMilliseconds: rule.holdMilliseconds, keepFiringMilliseconds: rule.keepFiringMilliseconds,
      annotations: rule.annotations)
    return RuleDefinition(
      kind: alert.isEmpty ? .recording : .alerting(terms), name: alert.isEmpty ? rule.record?.text ?? "" : alert,
      expression: rule.expression?.text ?? "", labels: merged(rule.labels, over: groupLabels))
  }

  private static func merged(_ labels: [TemplateField], over others: [TemplateField]) -> [TemplateField] {
    if others.isEmpty { return labels }
    let names = Set(labels.map { Array($0.name.utf8) })
    return (labels + others.filter { !names.contains(Array($0.name.utf8)) })
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}
