import Format
import Model
import Platform

/// Makes a file of unit tests of a document. One per document, used once; goes on behind each fault, so that all are told.
struct UnitTestFileReader {
  /// Faults that are told of one file.
  static let faultsMax = 100
  /// The longest text of a fault in bytes; of a longer one the beginning is told.
  static let faultBytesMax = 2000

  private(set) var faults: [UnitTestFileError.Fault] = []
  private let ignoresUnknownKeys: Bool

  init(ignoresUnknownKeys: Bool) { self.ignoresUnknownKeys = ignoresUnknownKeys }

  mutating func file(_ node: YAMLNode) -> UnitTestFile {
    var file = UnitTestFile()
    let keys = ["rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"]
    for entry in entries(node, keys, of: "a file of unit tests") {
      switch entry.key {
      case "rule_files": file.ruleFiles = texts(entry)
      case "evaluation_interval":
        // Zero is the default, as everywhere in the configuration.
        if let interval = duration(entry), interval > 0 { file.intervalMilliseconds = interval }
      case "group_eval_order": file.groupOrder = order(entry)
      case "fuzzy_compare": file.isFuzzy = boolean(entry)
      default: file.tests = list(entry).map { test($0) }
      }
    }
    return file
  }

  private mutating func order(_ entry: YAMLEntry) -> [String] {
    let names = texts(entry)
    var seen: Set<String> = []
    if let repeated = names.first(where: { !seen.insert($0).inserted }) {
      fault(entry.value.position, "group name repeated in evaluation order: \(repeated)")
    }
    return names
  }

  private mutating func test(_ node: YAMLNode) -> UnitTest {
    var test = UnitTest(position: node.position)
    let keys = [
      "interval", "input_series", "alert_rule_test", "promql_expr_test", "external_labels", "external_url", "name",
      "start_timestamp",
    ]
    for entry in entries(node, keys, of: "a test") {
      switch entry.key {
      case "name": test.name = text(entry)
      case "interval": if let interval = duration(entry), interval > 0 { test.intervalMilliseconds = interval }
      case "start_timestamp": test.startTime = time(entry)
      case "external_labels": test.externalLabels = labels(entry)
      case "external_url": test.externalURL = text(entry)
      case "input_series": test.series = list(entry).map { input($0) }
      case "alert_rule_test": test.alertCases = list(entry).map { alertCase($0) }
      default: test.expressionCases = list(entry).map { expressionCase($0) }
      }
    }
    return test
  }

  private mutating func input(_ node: YAMLNode) -> UnitTestInput {
    var input = UnitTestInput(position: node.position)
    for entry in entries(node, ["series", "values"], of: "a series") {
      if entry.key == "series" { input.series = text(entry) } else { input.values = text(entry) }
    }
    return input
  }

  private mutating func alertCase(_ node: YAMLNode) -> UnitTestAlertCase {
    var test = UnitTestAlertCase(position: node.position)
    for entry in entries(node, ["eval_time", "alertname", "exp_alerts"], of: "a test of an alert") {
      switch entry.key {
      case "eval_time": test.time = duration(entry) ?? 0
      case "alertname": test.alert = text(entry)
      default: test.expected = list(entry).map { expectedAlert($0) }
      }
    }
    return test
  }

  private mutating func expectedAlert(_ node: YAMLNode) -> ExpectedAlert {
    var alert = ExpectedAlert()
    for entry in entries(node, ["exp_labels", "exp_annotations"], of: "an expected alert") {
      if entry.key == "exp_labels" { alert.labels = labels(entry) } else { alert.annotations = labels(entry) }
    }
    return alert
  }

  private mutating func expressionCase(_ node: YAMLNode) -> UnitTestExpressionCase {
    var test = UnitTestExpressionCase(position: node.position)
    for entry in entries(node, ["expr", "eval_time", "exp_samples"], of: "a test of an expression") {
      switch entry.key {
      case "expr": test.expression = text(entry)
      case "eval_time": test.time = duration(entry) ?? 0
      default: test.expected = list(entry).map { sample($0) }
      }
    }
    return test
  }

  private mutating func sample(_ node: YAMLNode) -> UnitTestExpressionCase.Sample {
    var sample = UnitTestExpressionCase.Sample()
    for entry in entries(node, ["labels", "value", "histogram"], of: "an expected sample") {
      switch entry.key {
      case "labels": sample.labels = text(entry)
      case "histogram": sample.histogram = text(entry)
      default: sample.value = number(entry)
      }
    }
    return sample
  }

  // Parts. Nothing stands for an empty one everywhere.

  private mutating func fault(_ position: YAMLPosition, _ text: String) {
    if faults.count == Self.faultsMax { return }
    let told = text.utf8.count > Self.faultBytesMax ? text.prefix(Self.faultBytesMax / 4) + "…" : text
    faults.append(UnitTestFileError.Fault(position: position, text: told))
  }

  private mutating func entries(_ node: YAMLNode, _ keys: [String], of what: String) -> [YAMLEntry] {
    if node.isNull { return [] }
    guard case .mapping(let entries) = node.content else {
      fault(node.position, "\(what) is a section with the keys \(keys.joined(separator: ", ")), not \(node.kindText)")
      return []
    }
    return entries.filter { entry in
      if keys.contains(entry.key) { return !entry.value.isNull }
      if !ignoresUnknownKeys {
        let known = keys.joined(separator: ", ")
        fault(entry.keyPosition, "field \(entry.key) not found: the keys of \(what) are \(known)")
      }
      return false
    }
  }

  private mutating func list(_ entry: YAMLEntry) -> [YAMLNode] {
    if case .sequence(let nodes) = entry.value.content { return nodes }
    fault(entry.value.position, "\(entry.key) is a list, not \(entry.value.kindText)")
    return []
  }

  private mutating func texts(_ entry: YAMLEntry) -> [String] {
    list(entry).map { text(YAMLEntry(key: entry.key, keyPosition: entry.keyPosition, value: $0)) }
  }

  private mutating func text(_ entry: YAMLEntry) -> String {
    if let scalar = entry.value.scalar { return scalar.isNull ? "" : scalar.text }
    fault(entry.value.position, "\(entry.key) is a text, not \(entry.value.kindText)")
    return ""
  }

  private mutating func boolean(_ entry: YAMLEntry) -> Bool {
    if let boolean = entry.value.scalar?.boolean { return boolean }
    fault(entry.value.position, "\(entry.key) is true or false, not \(described(entry.value))")
    return false
  }

  private mutating func number(_ entry: YAMLEntry) -> Double {
    if let number = entry.value.scalar?.float { return number }
    fault(entry.value.position, "\(entry.key) is a number (.inf, .nan), not \(described(entry.value))")
    return 0
  }

  private mutating func duration(_ entry: YAMLEntry) -> Int64? {
    let text = text(entry)
    do throws(DurationText.Refusal) { return try DurationText.read(text) } catch {
      fault(entry.value.position, "\(entry.key): \(error)")
      return nil
    }
  }

  /// Seconds since 1970, or RFC 3339.
  private mutating func time(_ entry: YAMLEntry) -> Int64 {
    let text = text(entry)
    if let time = RFC3339.parse(text) { return time }
    if let seconds = Double(text), seconds.magnitude <= Double(DurationText.millisecondsMax / 1000) {
      return Int64((seconds * 1000).rounded(.down))
    }
    fault(entry.value.position, "cannot parse \(QuotedText.double(text)) to a valid timestamp")
    return 0
  }

  private mutating func labels(_ entry: YAMLEntry) -> Labels {
    guard case .mapping(let entries) = entry.value.content else {
      fault(entry.value.position, "\(entry.key) is a section of names and texts, not \(entry.value.kindText)")
      return .empty
    }
    return Labels(entries.map { (name: $0.key, value: text($0)) })
  }

  private func described(_ node: YAMLNode) -> String {
    node.scalar.map { QuotedText.double($0.text) } ?? node.kindText
  }
}
