import Format
import Model

/// A list of target groups as files and servers write it, `[{targets: [...], labels: {...}}]`. Pure.
package enum TargetDocument {
  /// A longer one is refused: it says the addresses of some hundred thousand targets.
  package static let bytesMax = 32 << 20
  /// Addresses, labels, groups: what is held in memory follows from it.
  package static let valuesMax = 2_000_000

  package enum Format: Sendable { case json, yaml }

  /// The groups in their order, their places as sources.
  package static func read(_ bytes: [UInt8], _ format: Format) throws(DiscoveryError) -> [TargetGroup] {
    if bytes.count > bytesMax { throw DiscoveryError("the list of targets is longer than \(bytesMax) bytes") }
    switch format {
    case .json: return try json(bytes)
    case .yaml: return try yaml(bytes)
    }
  }

  private static func group(
    _ place: Int, _ addresses: [String], _ labels: [(name: String, value: String)]
  ) throws(DiscoveryError) -> TargetGroup {
    for label in labels where !LabelName.isValid(label.name) {
      throw DiscoveryError("\(quoted(label.name)) is not a valid label name")
    }
    return TargetGroup(
      source: String(place), labels: Labels(labels),
      targets: addresses.map { Labels([(TargetGroup.addressLabel, $0)]) })
  }

  // MARK: JSON

  private static func json(_ bytes: [UInt8]) throws(DiscoveryError) -> [TargetGroup] {
    guard let document = bytes.lend({ JSONDocument($0, valuesMax: valuesMax) }) else {
      throw DiscoveryError(
        bytes.isEmpty
          ? "unexpected end of JSON input" : "the text is no JSON document, or one of more than \(valuesMax) values")
    }
    if document == .null { return [] }
    guard case .array(let elements) = document else { throw DiscoveryError("the JSON document is no list of groups") }
    var groups: [TargetGroup] = []
    for (place, element) in elements.enumerated() {
      if element == .null { throw DiscoveryError("nil target group item found") }
      guard case .object(let members) = element else {
        throw DiscoveryError("target group \(place) is no object with targets and labels")
      }
      var addresses: [String] = []
      var labels: [(name: String, value: String)] = []
      for member in members {
        switch member.name.lowercased() {
        case "targets": addresses = try texts(member.value, "target", place)
        case "labels": labels = try pairs(member.value, place)
        default: throw DiscoveryError("json: unknown field \(quoted(member.name))")
        }
      }
      groups.append(try group(place, addresses, labels))
    }
    return groups
  }

  private static func text(_ value: JSONDocument, _ what: String, _ place: Int) throws(DiscoveryError) -> String {
    if let text = value.text { return text }
    if value == .null { return "" }
    throw DiscoveryError("a \(what) of target group \(place) is no string")
  }

  private static func texts(_ value: JSONDocument, _ what: String, _ place: Int) throws(DiscoveryError) -> [String] {
    if value == .null { return [] }
    guard case .array(let elements) = value else {
      throw DiscoveryError("the targets of target group \(place) are no list")
    }
    var texts: [String] = []
    texts.reserveCapacity(elements.count)
    for element in elements { texts.append(try text(element, what, place)) }
    return texts
  }

  private static func pairs(
    _ value: JSONDocument, _ place: Int
  ) throws(DiscoveryError) -> [(name: String, value: String)] {
    if value == .null { return [] }
    guard case .object(let members) = value else {
      throw DiscoveryError("the labels of target group \(place) are no object")
    }
    var pairs: [(name: String, value: String)] = []
    for member in members { pairs.append((member.name, try text(member.value, "label", place))) }
    return pairs
  }

  // MARK: YAML

  private static func yaml(_ bytes: [UInt8]) throws(DiscoveryError) -> [TargetGroup] {
    let document: YAMLDocument
    let limits = YAMLDocument.Limits(bytesMax: bytesMax, depthMax: 8, nodesMax: valuesMax)
    do throws(YAMLError) { document = try YAMLDocument.parse(bytes, limits: limits) } catch {
      throw DiscoveryError("yaml: \(error)")
    }
    if document.root.isNull { return [] }
    guard case .sequence(let elements) = document.root.content else {
      throw fault(document.root, "\(document.root.kindText) where a list of groups is needed")
    }
    var groups: [TargetGroup] = []
    for (place, element) in elements.enumerated() {
      if element.isNull { throw DiscoveryError("nil target group item found") }
      guard case .mapping(let entries) = element.content else {
        throw fault(element, "\(element.kindText) where targets and labels are needed")
      }
      var addresses: [String] = []
      var labels: [(name: String, value: String)] = []
      for entry in entries {
        switch entry.key {
        case "targets": addresses = try texts(entry.value)
        case "labels": labels = try pairs(entry.value)
        default: throw DiscoveryError("yaml: \(entry.keyPosition): unknown key \(quoted(entry.key)) in a target group")
        }
      }
      groups.append(try group(place, addresses, labels))
    }
    return groups
  }

  private static func fault(_ node: YAMLNode, _ what: String) -> DiscoveryError {
    DiscoveryError("yaml: \(node.position): \(what)")
  }

  private static func text(_ node: YAMLNode) throws(DiscoveryError) -> String {
    guard let scalar = node.scalar else { throw fault(node, "\(node.kindText) where a text is needed") }
    return scalar.isNull ? "" : scalar.text
  }

  private static func texts(_ node: YAMLNode) throws(DiscoveryError) -> [String] {
    if node.isNull { return [] }
    guard case .sequence(let elements) = node.content else {
      throw fault(node, "\(node.kindText) where a list of targets is needed")
    }
    var texts: [String] = []
    for element in elements { texts.append(try text(element)) }
    return texts
  }

  private static func pairs(_ node: YAMLNode) throws(DiscoveryError) -> [(name: String, value: String)] {
    if node.isNull { return [] }
    guard case .mapping(let entries) = node.content else {
      throw fault(node, "\(node.kindText) where labels are needed")
    }
    var pairs: [(name: String, value: String)] = []
    for entry in entries { pairs.append((entry.key, try text(entry.value))) }
    return pairs
  }
}
