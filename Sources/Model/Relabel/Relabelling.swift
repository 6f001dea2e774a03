/// Relabelling rules compiled, to be applied to the labels of one series after the other. Immutable; any thread.
///
/// A rule sees what the rules before it have made. Costs a microsecond or so a rule: meant for each spelling of a series
/// once, not for samples.
package struct Relabelling: Sendable {
  private let rules: [CompiledRelabelRule]

  package static let none = Relabelling(compiled: [])

  private init(compiled: [CompiledRelabelRule]) { rules = compiled }

  /// Throws where a regular expression is none; the other conditions are those of `RelabelRule.violation`.
  package init(_ rules: [RelabelRule]) throws(RegexError) {
    var compiled: [CompiledRelabelRule] = []
    for rule in rules { compiled.append(try CompiledRelabelRule(rule)) }
    self.rules = compiled
  }

  package var isEmpty: Bool { rules.isEmpty }

  /// Changes the labels as the rules say; false where they say that the series is dropped.
  package func apply(to labels: inout LabelEdits) -> Bool {
    for rule in rules where !rule.apply(to: &labels) { return false }
    return true
  }

  /// The labels the rules make of these; nil where the series is dropped.
  package func apply(to labels: Labels) -> Labels? {
    var edits = LabelEdits(labels)
    return apply(to: &edits) ? edits.result() : nil
  }
}

/// One rule with its expression compiled and its templates taken apart.
struct CompiledRelabelRule: Sendable {
  private let action: RelabelRule.Action
  private let sourceLabels: [[UInt8]]
  private let separator: [UInt8]
  /// nil for the default `(.*)`, which takes every text as its only group.
  private let regex: RegexProgram?
  private let modulus: UInt64
  private let target: [UInt8]
  private let targetTemplate: ReplacementTemplate
  private let replacement: ReplacementTemplate

  init(_ rule: RelabelRule) throws(RegexError) {
    action = rule.action
    sourceLabels = rule.sourceLabels.map { Array($0.utf8) }
    separator = Array(rule.separator.utf8)
    let regex = rule.regex == RelabelRule.regexDefault ? nil : try RegexProgram(rule.regex)
    self.regex = regex
    modulus = rule.modulus
    target = Array(rule.targetLabel.utf8)
    func template(_ text: String) -> ReplacementTemplate {
      ReplacementTemplate(text, groupCount: regex?.groupCount ?? 1) { regex?.group(named: $0) }
    }
    targetTemplate = template(rule.targetLabel)
    replacement = template(rule.replacement)
  }

  func apply(to labels: inout LabelEdits) -> Bool {
    switch action {
    case .keep: return matches(source(labels))
    case .drop: return !matches(source(labels))
    case .keepequal: return labels.value(of: target) == source(labels)
    case .dropequal: return labels.value(of: target) != source(labels)
    case .replace: replace(&labels)
    case .lowercase: labels.set(target, LetterCase.lowercased(source(labels)))
    case .uppercase: labels.set(target, LetterCase.uppercased(source(labels)))
    case .hashmod:
      let hash = MD5.digest(source(labels))[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      labels.set(target, Array(String(hash % max(modulus, 1)).utf8))
    case .labelmap:
      for label in labels.labels {
        guard let ranges = groups(label.name) else { continue }
        labels.set(label.name.lend { replacement.expand($0, ranges) }, label.value)
      }
    case .labeldrop: labels.removeAll { matches($0.name) }
    case .labelkeep: labels.removeAll { !matches($0.name) }
    }
    return true
  }

  private func replace(_ labels: inout LabelEdits) {
    let text = source(labels)
    guard let ranges = groups(text) else { return }
    text.lend { text in
      let name = targetTemplate.constant ?? targetTemplate.expand(text, ranges)
      guard LabelName.isValid(name) else { return }
      labels.set(name, replacement.constant ?? replacement.expand(text, ranges))
    }
  }

  /// The values of the source labels, joined.
  private func source(_ labels: LabelEdits) -> [UInt8] {
    var text: [UInt8] = []
    for (place, name) in sourceLabels.enumerated() {
      if place > 0 { text += separator }
      text += labels.value(of: name)
    }
    return text
  }

  private func matches(_ text: [UInt8]) -> Bool {
    guard let regex else { return true }
    return text.lend { regex.matches($0.raw) }
  }

  private func groups(_ text: [UInt8]) -> [Range<Int>?]? {
    guard let regex else { return [0..<text.count, 0..<text.count] }
    return text.lend { regex.groups(in: $0.raw) }
  }
}
