import Format
import Model

/// A definition as Amazon's service takes it: the configuration of an Alertmanager as a text, and the templates it uses. A
/// value.
package struct AlertmanagerDefinition: Sendable {
  package static let configKey = "alertmanager_config"
  private static let templatesKey = "template_files"
  /// Templates of one definition.
  private static let templatesMax = 100
  private static let nameBytesMax = 100

  /// The configuration, as it stands in the definition.
  package let config: String
  /// Texts by the names of their files.
  package let templates: [String: String]
  package let parsed: AlertmanagerConfig

  /// Reads and checks a definition.
  package init(_ bytes: [UInt8]) throws(DefinitionError) {
    let root: YAMLNode
    do throws(YAMLError) {
      let document = try YAMLDocument.parse(bytes, limits: AlertmanagerConfig.limits)
      if let place = document.secondDocument { throw YAMLError(position: place, what: "a second document") }
      root = document.root
    } catch {
      throw DefinitionError(error.position, of: "the definition", error.what)
    }
    guard case .mapping(let entries) = root.content else {
      throw DefinitionError("the definition is no section with the key \(Self.configKey)")
    }
    for entry in entries where entry.key != Self.configKey && entry.key != Self.templatesKey {
      throw DefinitionError(
        entry.keyPosition, of: "the definition",
        "the key \(entry.key) is not known: there are \(Self.configKey) and \(Self.templatesKey)")
    }
    guard let config = root[Self.configKey]?.scalar, !config.isNull else {
      throw DefinitionError("the definition lacks \(Self.configKey): it is a text, as after \"\(Self.configKey): |\"")
    }
    self.config = config.text
    templates = try Self.templates(root[Self.templatesKey])
    parsed = try AlertmanagerConfig(config.text, templates: Set(templates.keys))
  }

  private static func templates(_ node: YAMLNode?) throws(DefinitionError) -> [String: String] {
    guard let node, !node.isNull else { return [:] }
    guard case .mapping(let entries) = node.content else {
      throw DefinitionError(node.position, of: "the definition", "\(templatesKey) is no section")
    }
    if entries.count > templatesMax { throw DefinitionError("\(templatesKey): \(templatesMax) are the most") }
    var templates: [String: String] = [:]
    for entry in entries {
      guard isFileName(entry.key) else {
        throw DefinitionError(
          entry.keyPosition, of: "the definition",
          "\(quoted(entry.key)) is no plain file name of letters, digits, . _ -")
      }
      guard let text = entry.value.scalar else {
        throw DefinitionError(entry.value.position, of: "the definition", "the template \(entry.key) is no text")
      }
      templates[entry.key] = text.text
    }
    return templates
  }

  /// True for a name that is a file's and never a path.
  static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= nameBytesMax && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
          || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
      }
  }
}
