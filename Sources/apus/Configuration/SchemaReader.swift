import Format
import Model

/// Checks a document against a schema and gives its values types. One owner, used for one document; it collects every
/// fault and goes on.
struct SchemaReader {
  private(set) var faults: [ConfigurationFault] = []
  /// Paths of given keys that nothing of this version reads; of a section or list that is not read, its own alone.
  private(set) var unread: [String] = []

  /// The section at `node`; an empty one has only defaults.
  /// `path` is nil within what is not read.
  mutating func section(_ node: YAMLNode, _ schema: Schema, path: String? = "") -> SectionValue {
    let faultsBefore = faults.count
    var section = SectionValue(schema, at: node.position)
    var entries: [YAMLEntry] = []
    if case .mapping(let found) = node.content {
      entries = found
    } else if !node.isNull {
      fault(node.position, "\(schema.name): \(node.kindText) where a section is needed (expected keys and values)")
      return section
    }
    for entry in entries {
      guard let key = schema[entry.key] else {
        let hint = ServeOptions.hint(entry.key, in: schema.keys.lazy.map(\.name))
        fault(entry.keyPosition, "unknown key \(quoted(entry.key)) in \(schema.name)\(hint)")
        continue
      }
      // A key without a value counts as not given, as in Prometheus.
      if entry.value.isNull { continue }
      let inner = key.isRead ? path.map { $0 + key.name + "." } : nil
      if let value = value(entry.value, key.shape, of: key.name, path: inner) {
        if key.isRequired && value.isEmpty { fault(entry.value.position, "\(key.name): it is empty") }
        if let path, !key.isRead && !value.isEmpty { unread.append(path + key.name) }
        if let path, key.isUnserved?(value) == true {
          unread.append("\(path)\(key.name): \(entry.value.scalar?.text ?? "")")
        }
        section.set(key.name, value, givenAt: entry.keyPosition)
      }
    }
    fillIn(&section, entries)
    // What holds between values can be said only of values that are right.
    if faults.count == faultsBefore { for rule in schema.rules { check(rule, section) } }
    return section
  }

  /// Adds the defaults of missing keys, and a fault for each missing key that is required.
  private mutating func fillIn(_ section: inout SectionValue, _ entries: [YAMLEntry]) {
    for key in section.schema.keys where !section.isGiven(key.name) {
      if let preset = key.preset {
        let content: YAMLNode.Content = preset == "{}" ? .mapping([]) : .scalar(YAMLScalar(preset))
        let node = YAMLNode(content, at: section.position)
        if let value = value(node, key.shape, of: key.name, path: nil) { section.set(key.name, value) }
      } else if key.isRequired, !entries.contains(where: { $0.key == key.name && !$0.value.isNull }) {
        fault(section.position, "\(section.schema.name): the key \(quoted(key.name)) is missing")
      }
    }
  }

  private mutating func check(_ rule: SchemaRule, _ section: SectionValue) {
    switch rule {
    case .atMostOne(let keys):
      let given = keys.filter { section.isGiven($0) && !(section.text($0)?.isEmpty ?? false) }
      if given.count > 1, let position = section.given[given[1]] {
        fault(position, "at most one of \(keys.joined(separator: ", ")) may be given")
      }
    case .check(let rule):
      if let violation = rule(section) { faults.append(section.fault(violation)) }
    }
  }

  private mutating func fault(_ position: YAMLPosition, _ message: String) {
    faults.append(ConfigurationFault(position: position, message: message))
  }

  private mutating func value(
    _ node: YAMLNode, _ shape: Shape, of key: String, path: String?
  ) -> ConfigurationValue? {
    switch shape {
    case .section(let schema):
      if node.isNull {
        fault(node.position, "\(schema.name): it is empty")
        return nil
      }
      return .section(section(node, schema, path: path))
    case .list(let element):
      guard case .sequence(let nodes) = node.content else { return mismatch(node, "a list", of: key) }
      return .list(nodes.compactMap { value($0, element, of: key, path: path) })
    case .map(let element):
      guard case .mapping(let entries) = node.content else { return mismatch(node, "keys and values", of: key) }
      return .map(
        entries.compactMap { entry in
          value(entry.value, element, of: entry.key, path: path).map { (entry.key, $0) }
        })
    case .labels:
      guard case .mapping(let entries) = node.content else { return mismatch(node, "labels and values", of: key) }
      return labels(entries)
    default:
      guard let scalar = node.scalar, !node.isNull || shape.isTextual else {
        return mismatch(node, shape.expected, of: key)
      }
      if let value = shape.value(scalar) { return value }
      guard let reason = shape.languageFault(scalar.text) else { return mismatch(node, shape.expected, of: key) }
      fault(node.position, "\(key): \(reason)")
      return nil
    }
  }

  private mutating func labels(_ entries: [YAMLEntry]) -> ConfigurationValue {
    var pairs: [(key: String, value: ConfigurationValue)] = []
    for entry in entries {
      if entry.key.isEmpty { fault(entry.keyPosition, "an empty label name (expected a name)") }
      guard let scalar = entry.value.scalar else {
        fault(entry.value.position, "\(entry.key): \(entry.value.kindText) (expected a label value)")
        continue
      }
      pairs.append((entry.key, .text(scalar.isNull ? "" : scalar.text)))
    }
    return .map(pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
  }

  private mutating func mismatch(_ node: YAMLNode, _ expected: String, of key: String) -> ConfigurationValue? {
    // What was meant as a URL may have a password in it.
    let found =
      node.scalar.map {
        $0.isNull ? "nothing" : quoted(Configuration.withoutPassword($0.text, isWhole: false))
      } ?? node.kindText
    fault(node.position, "\(key): \(found) (expected \(expected))")
    return nil
  }
}
