import Model

/// An element of XML with all that is in it, for answers that are small enough to be held. A value.
package struct XMLElement: Sendable, Equatable {
  package var name: String
  /// All text directly in it; empty where it has elements.
  package var text = ""
  package var children: [XMLElement] = []

  /// A document with more elements is refused.
  package static let elementsMax = 2_000_000

  package init(name: String) { self.name = name }

  /// The root element.
  package init(_ bytes: LentBytes) throws(XMLError) {
    var reader = XMLReader(bytes)
    var open: [XMLElement] = [XMLElement(name: "")]
    var count = 0
    while let event = try reader.next() {
      switch event {
      case .start(let name):
        count += 1
        if count > Self.elementsMax {
          throw XMLError(reason: "more than \(Self.elementsMax) elements", offset: bytes.count)
        }
        open.append(XMLElement(name: name))
      case .text(let text): open[open.count - 1].text += text
      case .end:
        var element = open.removeLast()
        if !element.children.isEmpty { element.text = "" }
        open[open.count - 1].children.append(element)
      }
    }
    guard let root = open[0].children.first else { throw XMLError(reason: "no element", offset: bytes.count) }
    self = root
  }

  /// The first element of this name directly in it.
  package subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

  /// The text of an element directly in it; nil where there is none, or it is empty.
  package func text(of name: String) -> String? {
    guard let text = self[name]?.text, !text.isEmpty else { return nil }
    return text
  }

  /// The elements of a list: those named `item` within the element of this name.
  package func items(of name: String, named item: String = "item") -> [XMLElement] {
    self[name]?.children.filter { $0.name == item } ?? []
  }
}
