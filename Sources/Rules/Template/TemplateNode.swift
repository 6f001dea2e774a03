import Model

/// A part of a template's tree: what is expanded, and what is told of it where that fails. Immutable.
final class TemplateNode: Sendable {
  enum Kind: Sendable {
    case list([TemplateNode])
    case text([UInt8])
    case action(TemplateNode)
    case branch(Branch)
    case template(name: String, pipe: TemplateNode?)
    case breakLoop, continueLoop
    /// The ends of blocks; never part of a tree.
    case end
    case elseMark
    case pipe(Pipe)
    /// A function, field or value with its arguments.
    case command([TemplateNode])
    case identifier(String)
    /// A variable with its dollar, and the fields behind it.
    case variable([String])
    case dot, nothing
    case field([String])
    /// Fields of a term.
    case chain(TemplateNode, [String])
    case bool(Bool)
    case number(TemplateNumber)
    case string(quoted: String, value: [UInt8])
  }

  /// `if`, `range` and `with`.
  struct Branch: Sendable {
    enum Word: String, Sendable { case condition = "if", range, with }
    var word: Word
    var pipe: TemplateNode
    var list: TemplateNode
    var elseList: TemplateNode?
  }

  /// Commands, each of which has the value of the one before as its last argument.
  struct Pipe: Sendable {
    /// The nodes of the variables that take the value.
    var variables: [String] = []
    var isAssignment = false
    var commands: [TemplateNode] = []
  }

  let kind: Kind
  /// The place in the text.
  let position: Int

  init(_ kind: Kind, at position: Int) {
    self.kind = kind
    self.position = position
  }

  /// True if the tree has nothing but space.
  var isBlank: Bool {
    switch kind {
    case .list(let nodes): nodes.allSatisfy(\.isBlank)
    case .text(let text): text.allSatisfy { $0 == 0x20 || (9...13).contains($0) }
    default: false
    }
  }

  /// The node as it could have been written, as errors have it. Of a long one only a beginning: `bytesMax`.
  func append(to text: inout String, bytesMax: Int) {
    if text.utf8.count >= bytesMax { return }
    switch kind {
    case .list(let nodes): for node in nodes { node.append(to: &text, bytesMax: bytesMax) }
    case .text(let bytes): text += String(decoding: bytes.prefix(bytesMax), as: UTF8.self)
    case .action(let pipe):
      text += "{{"
      pipe.append(to: &text, bytesMax: bytesMax)
      text += "}}"
    case .branch(let branch): append(branch, to: &text, bytesMax)
    case .template(let name, let pipe):
      text += "{{template " + QuotedText.go(Array(name.utf8)[...], bytesMax: bytesMax)
      if let pipe {
        text += " "
        pipe.append(to: &text, bytesMax: bytesMax)
      }
      text += "}}"
    case .breakLoop: text += "{{break}}"
    case .continueLoop: text += "{{continue}}"
    case .end: text += "{{end}}"
    case .elseMark: text += "{{else}}"
    case .pipe(let pipe): append(pipe, to: &text, bytesMax)
    case .command(let words): append(words, to: &text, bytesMax)
    case .identifier(let name): text += name
    case .variable(let names): text += names.joined(separator: ".")
    case .dot: text += "."
    case .nothing: text += "nil"
    case .field(let names): for name in names { text += "." + name }
    case .chain(let node, let names):
      append([node], to: &text, bytesMax)
      for name in names { text += "." + name }
    case .bool(let value): text += value ? "true" : "false"
    case .number(let number): text += number.text
    case .string(let quoted, _): text += quoted
    }
  }

  private func append(_ branch: Branch, to text: inout String, _ bytesMax: Int) {
    text += "{{" + branch.word.rawValue + " "
    branch.pipe.append(to: &text, bytesMax: bytesMax)
    text += "}}"
    branch.list.append(to: &text, bytesMax: bytesMax)
    if let elseList = branch.elseList {
      text += "{{else}}"
      elseList.append(to: &text, bytesMax: bytesMax)
    }
    text += "{{end}}"
  }

  private func append(_ pipe: Pipe, to text: inout String, _ bytesMax: Int) {
    if !pipe.variables.isEmpty {
      text += pipe.variables.joined(separator: ", ") + (pipe.isAssignment ? " = " : " := ")
    }
    for (place, command) in pipe.commands.enumerated() {
      if place > 0 { text += " | " }
      command.append(to: &text, bytesMax: bytesMax)
    }
  }

  private func append(_ words: [TemplateNode], to text: inout String, _ bytesMax: Int) {
    for (place, word) in words.enumerated() {
      if place > 0 { text += " " }
      if case .pipe = word.kind {
        text += "("
        word.append(to: &text, bytesMax: bytesMax)
        text += ")"
      } else {
        word.append(to: &text, bytesMax: bytesMax)
      }
    }
  }

  /// Bytes of a node that an error has.
  static let shownBytesMax = 1024

  var shown: String {
    var text = ""
    append(to: &text, bytesMax: TemplateNode.shownBytesMax)
    return text
  }
}
