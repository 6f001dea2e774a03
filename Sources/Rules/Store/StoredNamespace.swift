import Format

/// A namespace of the store: a rule file that has a name instead of a path. A value.
package struct StoredNamespace: Sendable, Equatable {
  package let name: String
  /// The rule file: as it was put, or written anew when one of its groups was changed.
  package let text: String
  package let groups: [StoredGroup]
  /// The reason why this version cannot read the text any more; such a namespace has no groups, and its text is kept.
  package let fault: String?
  /// Milliseconds since 1970 of its making and its last change; 0: a version that did not note them has stored it.
  package var createdMilliseconds: Int64 = 0
  package var modifiedMilliseconds: Int64 = 0

  init(name: String, text: String, groups: [StoredGroup], fault: String? = nil) {
    self.name = name
    self.text = text
    self.groups = groups
    self.fault = fault
  }

  /// A namespace of these groups, its file written from them.
  init(name: String, groups: [StoredGroup]) {
    self.init(name: name, text: "groups:\n" + groups.map(\.element).joined(), groups: groups)
  }

  /// Reads a rule file as a namespace.
  static func read(
    _ text: [UInt8], name: String, _ options: RuleFileOptions, bytesMax: Int
  ) throws(RuleStoreError) -> StoredNamespace {
    let root = try StoredGroup.node(text, options, bytesMax: bytesMax)
    let definitions = try RuleStoreError.of { () throws(RuleFileErrors) in
      try RuleFile.read(text, path: name, options: options)
    }
    var nodes: [YAMLNode] = []
    if let list = root["groups"], case .sequence(let elements) = list.content { nodes = elements }
    guard nodes.count == definitions.count, let whole = String(validating: text, as: UTF8.self) else {
      throw .unreadable("it is no rule file in UTF-8")
    }
    let groups = zip(nodes, definitions).map { node, definition in
      StoredGroup(text: YAMLWriter.text(StoredGroup.canonical(node)), definition: definition)
    }
    return StoredNamespace(name: name, text: whole, groups: groups)
  }

  package subscript(group: String) -> StoredGroup? { groups.first { $0.name == group } }

  /// True if both have the same rule file.
  func isSame(as other: StoredNamespace?) -> Bool { other?.text == text && other?.fault == fault }
}
