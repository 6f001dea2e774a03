import Format
import Model

/// A text of a rule file with its place.
struct RuleFileText {
  var text: String
  var position: YAMLPosition
}

/// A rule as written: of the right shape, not checked.
struct WrittenRule {
  /// Nil where the key is absent.
  var record: RuleFileText?
  var alert: RuleFileText?
  var expression: RuleFileText?
  var holdMilliseconds: Int64 = 0
  var keepFiringMilliseconds: Int64 = 0
  /// Sorted by name.
  var labels: [TemplateField] = []
  var annotations: [TemplateField] = []
}

/// A group as written.
struct WrittenGroup {
  var position: YAMLPosition
  var name = ""
  var intervalMilliseconds: Int64 = 0
  var queryOffsetMilliseconds: Int64?
  var limit = 0
  var labels: [TemplateField] = []
  var rules: [WrittenRule] = []
}

/// Takes groups and rules out of a document, and gathers what does not have their shape, in the words of Prometheus's reader.
/// Used for one document.
struct RuleFileReader {
  private let path: String
  private let ignoresUnknownKeys: Bool
  /// Lines that go together into one error.
  private var shapeFaults: [String] = []
  private var durationErrors = RuleFileErrors()

  /// The most lines of one error.
  static let shapeFaultsMax = 1000

  /// `path`: the name that errors give the document.
  init(_ path: String, ignoresUnknownKeys: Bool) {
    self.path = path
    self.ignoresUnknownKeys = ignoresUnknownKeys
  }

  /// The errors so far.
  var errors: RuleFileErrors {
    if shapeFaults.isEmpty { return durationErrors }
    let text = "yaml: unmarshal errors:\n" + shapeFaults.joined(separator: "\n")
    var errors = RuleFileErrors([RuleFileError(file: path, text: text)])
    errors.add(durationErrors)
    return errors
  }

  mutating func groups(_ root: YAMLNode) -> [WrittenGroup] {
    var groups: [WrittenGroup] = []
    for entry in keys(root, of: "rulefmt.RuleGroups") {
      guard entry.key == "groups" else {
        refuseKey(entry, of: "rulefmt.RuleGroups")
        continue
      }
      for node in list(entry.value, of: "[]rulefmt.RuleGroup") { groups.append(group(node)) }
    }
    return groups
  }

  mutating func group(_ node: YAMLNode) -> WrittenGroup {
    var group = WrittenGroup(position: node.position)
    for entry in keys(node, of: "rulefmt.RuleGroup") {
      let value = entry.value
      switch entry.key {
      case "name": group.name = text(value)?.text ?? ""
      case "interval": group.intervalMilliseconds = duration(value) ?? 0
      case "query_offset": group.queryOffsetMilliseconds = duration(value)
      case "limit": group.limit = integer(value)
      case "labels": group.labels = fields(value)
      case "rules": group.rules = list(value, of: "[]rulefmt.Rule").map { rule($0) }
      default: refuseKey(entry, of: "rulefmt.RuleGroup")
      }
    }
    return group
  }

  private mutating func rule(_ node: YAMLNode) -> WrittenRule {
    var rule = WrittenRule()
    for entry in keys(node, of: "rulefmt.Rule") {
      let value = entry.value
      switch entry.key {
      case "record": rule.record = text(value)
      case "alert": rule.alert = text(value)
      case "expr": rule.expression = text(value)
      case "for": rule.holdMilliseconds = duration(value) ?? 0
      case "keep_firing_for": rule.keepFiringMilliseconds = duration(value) ?? 0
      case "labels": rule.labels = fields(value)
      case "annotations": rule.annotations = fields(value)
      default: refuseKey(entry, of: "rulefmt.Rule")
      }
    }
    return rule
  }

  // One reader for each shape. Nothing (`~`) is a value of every shape: the one that stands for an absent key.

  private mutating func keys(_ node: YAMLNode, of type: String) -> [YAMLEntry] {
    if case .mapping(let entries) = node.content { return entries }
    if !node.isNull { refuse(node, as: type) }
    return []
  }

  private mutating func list(_ node: YAMLNode, of type: String) -> [YAMLNode] {
    // Nothing is no element of a list.
    if case .sequence(let nodes) = node.content { return nodes.filter { !$0.isNull } }
    if !node.isNull { refuse(node, as: type) }
    return []
  }

  private mutating func text(_ node: YAMLNode) -> RuleFileText? {
    guard let scalar = node.scalar else {
      refuse(node, as: "string")
      return nil
    }
    return RuleFileText(text: scalar.isNull ? "" : scalar.text, position: node.position)
  }

  private mutating func integer(_ node: YAMLNode) -> Int {
    guard let scalar = node.scalar else {
      refuse(node, as: "int")
      return 0
    }
    if scalar.isNull { return 0 }
    if let integer = scalar.integer { return Int(integer) }
    // A fraction is cut off, as Prometheus's reader does.
    if let float = scalar.float, abs(float) < 0x1p63 { return Int(float) }
    refuse(node, as: "int")
    return 0
  }

  private mutating func duration(_ node: YAMLNode) -> Int64? {
    if node.isNull { return nil }
    guard let text = text(node) else { return nil }
    do throws(DurationText.Refusal) {
      return try DurationText.read(text.text)
    } catch {
      durationErrors.add(RuleFileError(file: path, text: "\(node.position): \(error)"))
      return nil
    }
  }

  private mutating func fields(_ node: YAMLNode) -> [TemplateField] {
    keys(node, of: "map[string]string").map { TemplateField($0.key, text($0.value)?.text ?? "") }
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  // What does not fit.

  private mutating func refuseKey(_ entry: YAMLEntry, of type: String) {
    if ignoresUnknownKeys { return }
    addShape("  line \(entry.keyPosition.line): field \(entry.key) not found in type \(type)")
  }

  private mutating func refuse(_ node: YAMLNode, as type: String) {
    var found: String
    switch node.content {
    case .sequence: found = "!!seq"
    case .mapping: found = "!!map"
    case .scalar(let scalar):
      let text = scalar.text
      found = tag(scalar) + " `" + (text.utf8.count > 10 ? "\(prefix(text, bytes: 7))..." : text) + "`"
    }
    addShape("  line \(node.position.line): cannot unmarshal \(found) into \(type)")
  }

  private mutating func addShape(_ line: String) {
    if shapeFaults.count < RuleFileReader.shapeFaultsMax { shapeFaults.append(line) }
  }

  private func prefix(_ text: String, bytes: Int) -> String {
    String(decoding: text.utf8.prefix(bytes), as: UTF8.self)
  }

  private func tag(_ scalar: YAMLScalar) -> String {
    if !scalar.isPlain { return "!!str" }
    if ["true", "True", "TRUE", "false", "False", "FALSE"].contains(scalar.text) { return "!!bool" }
    if let float = scalar.float {
      let isWritten = scalar.text.utf8.contains { $0 == UInt8(ascii: ".") }
      return float == float.rounded() && abs(float) < 0x1p63 && !isWritten ? "!!int" : "!!float"
    }
    return isDate(scalar.text) ? "!!timestamp" : "!!str"
  }

  /// True for a day, `2006-01-02`, alone or with a time behind it.
  private func isDate(_ text: String) -> Bool {
    let bytes = Array(text.utf8.prefix(11))
    guard bytes.count >= 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return false }
    let digits = [0, 1, 2, 3, 5, 6, 8, 9].allSatisfy { bytes[$0] >= 48 && bytes[$0] <= 57 }
    return digits
      && (bytes.count == 10 || [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")].contains(bytes[10]))
  }
}
