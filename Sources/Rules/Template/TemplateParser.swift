import Model

/// The trees of a template: its own, and those that `define` and `block` name.
final class TemplateTrees {
  private(set) var all: [String: TemplateNode] = [:]

  /// False where the name has a tree already, and neither is blank.
  func add(_ tree: TemplateNode, named name: String) -> Bool {
    if let old = all[name], !old.isBlank { return tree.isBlank }
    all[name] = tree
    return true
  }
}

/// Makes a tree of tokens by the rules of Go's text/template, with its messages. One for each tree of a text.
struct TemplateParser {
  /// The name of the whole template, which errors have.
  let title: String
  let lexer: TemplateLexer
  let trees: TemplateTrees
  /// Levels above this tree.
  var nesting: Int

  /// Up to three tokens that were read and given back; the last is the next.
  private var waiting: [TemplateToken] = []
  /// The line of the token that was read last.
  private var lastLine = 0
  private(set) var variables = ["$"]
  private var actionLine = 0
  private var rangeDepth = 0

  init(title: String, lexer: TemplateLexer, trees: TemplateTrees, nesting: Int = 0) {
    self.title = title
    self.lexer = lexer
    self.trees = trees
    self.nesting = nesting
  }

  /// The whole text.
  mutating func parse() throws(TemplateError) {
    var nodes: [TemplateNode] = []
    let start = peek().position
    while peek().kind != .end {
      if peek().kind == .leftDelimiter {
        let delimiter = next()
        let word = nextNonSpace()
        if word.kind == .define {
          var child = subtree()
          try child.parseDefinition()
          continue
        }
        waiting = [word, delimiter]
      }
      let node = try textOrAction()
      switch node.kind {
      case .end, .elseMark: throw failure("unexpected \(node.shown)")
      default: nodes.append(node)
      }
    }
    try add(TemplateNode(.list(nodes), at: start), named: title)
  }

  private func subtree() -> TemplateParser {
    TemplateParser(title: title, lexer: lexer, trees: trees, nesting: nesting + 1)
  }

  private mutating func parseDefinition() throws(TemplateError) {
    let context = "define clause"
    let token = nextNonSpace()
    guard token.kind == .string || token.kind == .rawString else { throw unexpected(token, context) }
    guard let name = UnquotedText.bytes(token.text) else { throw failure("invalid syntax") }
    try expect(.rightDelimiter, context)
    let (list, end) = try itemList()
    guard case .end = end.kind else { throw failure("unexpected \(end.shown) in \(context)") }
    try add(list, named: String(decoding: name, as: UTF8.self))
  }

  private func add(_ tree: TemplateNode, named name: String) throws(TemplateError) {
    if trees.add(tree, named: name) { return }
    throw failure("template: multiple definition of template \(QuotedText.double(name))")
  }

  /// Text and actions up to what ends a block.
  private mutating func itemList() throws(TemplateError) -> (list: TemplateNode, end: TemplateNode) {
    nesting += 1
    defer { nesting -= 1 }
    if nesting > TemplateLimits.nestingMax {
      throw failure("blocks are nested more than \(TemplateLimits.nestingMax) deep: make the template flatter")
    }
    var nodes: [TemplateNode] = []
    let start = peekNonSpace().position
    while peekNonSpace().kind != .end {
      let node = try textOrAction()
      switch node.kind {
      case .end, .elseMark: return (TemplateNode(.list(nodes), at: start), node)
      default: nodes.append(node)
      }
    }
    throw failure("unexpected EOF")
  }

  private mutating func textOrAction() throws(TemplateError) -> TemplateNode {
    let token = nextNonSpace()
    switch token.kind {
    case .text: return TemplateNode(.text(Array(token.text)), at: token.position)
    case .leftDelimiter:
      actionLine = token.line
      let node = try action()
      actionLine = 0
      return node
    default: throw unexpected(token, "input")
    }
  }

  private mutating func action() throws(TemplateError) -> TemplateNode {
    let token = nextNonSpace()
    switch token.kind {
    case .block: return try block()
    case .breakWord: return try loopWord(token, "{{break}}", .breakLoop)
    case .continueWord: return try loopWord(token, "{{continue}}", .continueLoop)
    case .elseWord: return try elseMark()
    case .endWord: return TemplateNode(.end, at: try expect(.rightDelimiter, "end").position)
    case .ifWord: return try branch(.condition)
    case .range: return try branch(.range)
    case .template: return try template()
    case .with: return try branch(.with)
    default:
      waiting.append(token)
      return TemplateNode(.action(try pipeline("command", until: .rightDelimiter)), at: token.position)
    }
  }

  private mutating func loopWord(
    _ word: TemplateToken, _ shown: String, _ kind: TemplateNode.Kind
  ) throws(TemplateError) -> TemplateNode {
    let token = nextNonSpace()
    if token.kind != .rightDelimiter { throw unexpected(token, shown) }
    if rangeDepth == 0 { throw failure("\(shown) outside {{range}}") }
    return TemplateNode(kind, at: word.position)
  }

  private mutating func branch(_ word: TemplateNode.Branch.Word) throws(TemplateError) -> TemplateNode {
    let known = variables.count
    defer { variables.removeLast(variables.count - known) }
    let pipe = try pipeline(word.rawValue, until: .rightDelimiter)
    if word == .range { rangeDepth += 1 }
    let (list, end) = try itemList()
    if word == .range { rangeDepth -= 1 }
    var elseList: TemplateNode?
    if case .elseMark = end.kind {
      let following: TemplateToken.Kind? = word == .condition ? .ifWord : word == .with ? .with : nil
      if peek().kind == following {
        _ = next()
        nesting += 1
        if nesting > TemplateLimits.nestingMax {
          throw failure("more than \(TemplateLimits.nestingMax) branches of one \(word.rawValue): use fewer")
        }
        elseList = TemplateNode(.list([try branch(word)]), at: end.position)
        nesting -= 1
      } else {
        let (list, last) = try itemList()
        guard case .end = last.kind else { throw failure("expected end; found \(last.shown)") }
        elseList = list
      }
    }
    return TemplateNode(
      .branch(TemplateNode.Branch(word: word, pipe: pipe, list: list, elseList: elseList)), at: pipe.position)
  }

  private mutating func elseMark() throws(TemplateError) -> TemplateNode {
    let ahead = peekNonSpace()
    if ahead.kind == .ifWord || ahead.kind == .with { return TemplateNode(.elseMark, at: ahead.position) }
    return TemplateNode(.elseMark, at: try expect(.rightDelimiter, "else").position)
  }

  private mutating func block() throws(TemplateError) -> TemplateNode {
    let context = "block clause"
    let token = nextNonSpace()
    let name = try templateName(token, context)
    let pipe = try pipeline(context, until: .rightDelimiter)
    var child = subtree()
    let (list, end) = try child.itemList()
    guard case .end = end.kind else { throw failure("unexpected \(end.shown) in \(context)") }
    try child.add(list, named: name)
    return TemplateNode(.template(name: name, pipe: pipe), at: token.position)
  }

  private mutating func template() throws(TemplateError) -> TemplateNode {
    let context = "template clause"
    let token = nextNonSpace()
    let name = try templateName(token, context)
    let ahead = nextNonSpace()
    if ahead.kind == .rightDelimiter { return TemplateNode(.template(name: name, pipe: nil), at: token.position) }
    waiting.append(ahead)
    let pipe = try pipeline(context, until: .rightDelimiter)
    return TemplateNode(.template(name: name, pipe: pipe), at: token.position)
  }

  private func templateName(_ token: TemplateToken, _ context: String) throws(TemplateError) -> String {
    guard token.kind == .string || token.kind == .rawString else { throw unexpected(token, context) }
    guard let name = UnquotedText.bytes(token.text) else { throw failure("invalid syntax") }
    return String(decoding: name, as: UTF8.self)
  }

  // MARK: tokens

  mutating func next() -> TemplateToken {
    if let token = waiting.popLast() { return token }
    let token = lexer.next()
    lastLine = token.line
    return token
  }

  mutating func giveBack(_ tokens: TemplateToken...) { waiting += tokens }

  mutating func peek() -> TemplateToken {
    let token = next()
    waiting.append(token)
    return token
  }

  mutating func nextNonSpace() -> TemplateToken {
    var token = next()
    while token.kind == .space { token = next() }
    return token
  }

  mutating func peekNonSpace() -> TemplateToken {
    let token = nextNonSpace()
    waiting.append(token)
    return token
  }

  @discardableResult private mutating func expect(
    _ kind: TemplateToken.Kind, _ context: String
  ) throws(TemplateError) -> TemplateToken {
    let token = nextNonSpace()
    if token.kind != kind { throw unexpected(token, context) }
    return token
  }

  mutating func declare(_ variable: String) { variables.append(variable) }

  // MARK: failures

  func failure(_ message: String) -> TemplateError {
    TemplateError("template: \(title):\(lastLine): \(message)")
  }

  func unexpected(_ token: TemplateToken, _ context: String) -> TemplateError {
    guard token.kind == .error else { return failure("unexpected \(token.shown) in \(context)") }
    var place = ""
    if actionLine != 0, actionLine != token.line {
      place = token.string.hasSuffix(" action") ? "" : " in action"
      place += " started at \(title):\(actionLine)"
    }
    return failure(token.shown + place)
  }
}
