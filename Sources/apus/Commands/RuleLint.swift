import Rules

/// Finds in valid rule files what is seldom meant. A value.
struct RuleLint: Equatable, Sendable {
  static let duplicates = "duplicate-rules"

  var findsDuplicates = true
  /// A finding is an error.
  var isFatal = false
  /// Options that are none.
  var unknown: [String] = []

  init() {}

  /// The options of the flag, separated by commas.
  init(_ text: String, isFatal: Bool) {
    self.isFatal = isFatal
    let options = text.split(separator: ",").map(String.init)
    findsDuplicates = options.contains("all") || options.contains(RuleLint.duplicates)
    unknown = options.filter { !["all", "none", RuleLint.duplicates].contains($0) }
  }

  /// The findings in the groups of one file, in the words of promtool; nil: none.
  func finding(_ groups: [RuleGroupDefinition]) -> String? {
    if !findsDuplicates { return nil }
    let rules = groups.flatMap(\.rules).map(Named.init).sorted()
    var twice: [Named] = []
    for (rule, next) in zip(rules, rules.dropFirst()) where rule == next && twice.last != next { twice.append(next) }
    if twice.isEmpty { return nil }
    var text = "\(twice.count) duplicate rule(s) found.\n"
    for rule in twice {
      text += "Metric: \(rule.name)\nLabel(s):\n"
      for label in rule.labels { text += "\t\(label.name): \(label.text)\n" }
    }
    return text + "Might cause inconsistency while recording expressions"
  }

  /// The part of a rule by which two are the same.
  private struct Named: Comparable {
    var name: String
    var labels: [TemplateField]

    init(_ rule: RuleDefinition) {
      name = rule.name
      labels = rule.labels
    }

    private var key: [[UInt8]] { ([name] + labels.flatMap { [$0.name, $0.text] }).map { Array($0.utf8) } }

    static func < (left: Named, right: Named) -> Bool {
      left.key.lexicographicallyPrecedes(right.key) { $0.lexicographicallyPrecedes($1) }
    }

    static func == (left: Named, right: Named) -> Bool { left.key == right.key }
  }
}
