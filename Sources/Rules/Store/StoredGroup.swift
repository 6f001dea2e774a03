import Format

/// A group of rules as the store keeps it: its YAML and what it says. A value.
package struct StoredGroup: Sendable, Equatable {
  /// One section in block style, each key that takes text with its value as text, keys without a value left out.
  package let text: String
  package let definition: RuleGroupDefinition

  package var name: String { definition.name }

  package init(text: String, definition: RuleGroupDefinition) {
    self.text = text
    self.definition = definition
  }

  /// The group as an element of a list.
  package var element: String {
    var element = ""
    element.reserveCapacity(text.utf8.count + text.utf8.count / 8)
    for (index, line) in text.split(separator: "\n").enumerated() {
      element += index == 0 ? "- " : "  "
      element += line
      element += "\n"
    }
    return element
  }

  /// Reads one group, whose keys are those of the whole text.
  static func read(
    _ bytes: [UInt8], namespace: String, _ options: RuleFileOptions, bytesMax: Int
  ) throws(RuleStoreError) -> StoredGroup {
    let node = try node(bytes, options, bytesMax: bytesMax)
    guard case .mapping = node.content else { throw .unreadable("\(node.position): \(node.kindText) is no rule group") }
    let definition = try RuleStoreError.of { () throws(RuleFileErrors) in
      try RuleFile.readGroup(bytes, path: namespace, options: options)
    }
    return StoredGroup(text: YAMLWriter.text(canonical(node)), definition: definition)
  }

  /// Reads a text whose aliases stand for no more than `bytesMax` bytes: a few lines of aliases can stand for billions.
  static func node(
    _ bytes: [UInt8], _ options: RuleFileOptions, bytesMax: Int
  ) throws(RuleStoreError) -> YAMLNode {
    do throws(YAMLError) {
      let root = try YAMLDocument.parse(bytes, limits: options.limits).root
      var bytesLeft = bytesMax
      if takes(root, from: &bytesLeft) { return root }
    } catch {
      throw .unreadable("\(error)")
    }
    throw .refused("the text stands for more than \(bytesMax) bytes once its aliases are expanded")
  }

  /// False where the texts of a node take more than is left.
  private static func takes(_ node: YAMLNode, from bytesLeft: inout Int) -> Bool {
    switch node.content {
    case .scalar(let scalar): bytesLeft -= scalar.text.utf8.count
    case .sequence(let nodes):
      for node in nodes where !takes(node, from: &bytesLeft) { return false }
    case .mapping(let entries):
      for entry in entries {
        bytesLeft -= entry.key.utf8.count
        if !takes(entry.value, from: &bytesLeft) { return false }
      }
    }
    return bytesLeft >= 0
  }

  /// The canonical form of a group: keys without a value go, texts are texts (`severity: 1` is written `"1"`), as Go's
  /// servers write what they have read.
  static func canonical(_ group: YAMLNode) -> YAMLNode {
    section(group) { key, value in
      guard key == "rules", case .sequence(let rules) = value.content else { return labels(key, value) }
      return YAMLNode(.sequence(rules.map { section($0, labels) }), at: value.position)
    }
  }

  /// A section without its keys that have no value, the others as `change` has them.
  private static func section(_ node: YAMLNode, _ change: (String, YAMLNode) -> YAMLNode) -> YAMLNode {
    guard case .mapping(let entries) = node.content else { return node }
    var kept: [YAMLEntry] = []
    for entry in entries where !entry.value.isNull {
      if case .mapping(let inner) = entry.value.content, inner.isEmpty { continue }
      var changed = entry
      changed.value = change(entry.key, entry.value)
      kept.append(changed)
    }
    return YAMLNode(.mapping(kept), at: node.position)
  }

  /// A value of a group or a rule as text, or as a section of texts; `limit` is a number.
  private static func labels(_ key: String, _ value: YAMLNode) -> YAMLNode {
    switch value.content {
    case .scalar(let scalar):
      return key == "limit" ? value : YAMLNode(.scalar(YAMLScalar(scalar.text, isPlain: false)), at: value.position)
    case .mapping(let entries):
      let texts = entries.map { entry in
        var changed = entry
        if let scalar = entry.value.scalar {
          let text = scalar.isNull ? "" : scalar.text
          changed.value = YAMLNode(.scalar(YAMLScalar(text, isPlain: false)), at: entry.value.position)
        }
        return changed
      }
      return YAMLNode(.mapping(texts), at: value.position)
    case .sequence: return value
    }
  }
}
