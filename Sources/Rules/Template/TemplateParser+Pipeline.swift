import Model

// Within an action: pipelines, commands and what they are made of.
extension TemplateParser {
  mutating func pipeline(
    _ context: String, until end: TemplateToken.Kind
  ) throws(TemplateError) -> TemplateNode {
    let start = peekNonSpace().position
    var pipe = TemplateNode.Pipe()
    while try declaration(&pipe, context) {}
    while true {
      let token = nextNonSpace()
      switch token.kind {
      case end:
        try check(pipe, context)
        return TemplateNode(.pipe(pipe), at: start)
      case .bool, .characterConstant, .complex, .dot, .field, .identifier, .number, .nilWord, .rawString, .string,
        .variable, .leftParenthesis:
        giveBack(token)
        pipe.commands.append(try command())
      default: throw unexpected(token, context)
      }
    }
  }

  /// Takes a variable that gets a value; true where another may follow.
  private mutating func declaration(
    _ pipe: inout TemplateNode.Pipe, _ context: String
  ) throws(TemplateError) -> Bool {
    let variable = peekNonSpace()
    guard variable.kind == .variable else { return false }
    _ = next()
    let following = peek()
    let ahead = peekNonSpace()
    if ahead.kind == .assign || ahead.kind == .declare {
      pipe.isAssignment = ahead.kind == .assign
      _ = nextNonSpace()
      add(variable, to: &pipe)
      return false
    }
    if ahead.kind == .character, ahead.string == "," {
      _ = nextNonSpace()
      add(variable, to: &pipe)
      guard context == "range", pipe.variables.count < 2 else {
        throw failure("too many declarations in \(context)")
      }
      switch peekNonSpace().kind {
      case .variable, .rightDelimiter, .rightParenthesis: return true
      default: throw failure("range can only initialize variables")
      }
    }
    if following.kind == .space { giveBack(following) }
    giveBack(variable)
    return false
  }

  private mutating func add(_ variable: TemplateToken, to pipe: inout TemplateNode.Pipe) {
    pipe.variables.append(variable.string)
    declare(variable.string)
  }

  private func check(_ pipe: TemplateNode.Pipe, _ context: String) throws(TemplateError) {
    if pipe.commands.isEmpty { throw failure("missing value for \(context)") }
    for (place, command) in pipe.commands.enumerated().dropFirst() {
      guard case .command(let words) = command.kind, let first = words.first else { continue }
      switch first.kind {
      case .bool, .dot, .nothing, .number, .string:
        throw failure("non executable command in pipeline stage \(place + 1)")
      default: continue
      }
    }
  }

  private mutating func command() throws(TemplateError) -> TemplateNode {
    let start = peekNonSpace().position
    var words: [TemplateNode] = []
    while true {
      _ = peekNonSpace()
      if let operand = try operand() { words.append(operand) }
      let token = next()
      switch token.kind {
      case .space: continue
      case .rightDelimiter, .rightParenthesis: giveBack(token)
      case .pipe: break
      default: throw unexpected(token, "operand")
      }
      break
    }
    if words.isEmpty { throw failure("empty command") }
    return TemplateNode(.command(words), at: start)
  }

  /// A term with the fields behind it; nil where none stands there.
  private mutating func operand() throws(TemplateError) -> TemplateNode? {
    guard let node = try term() else { return nil }
    let ahead = peek()
    guard ahead.kind == .field else { return node }
    var names: [String] = []
    while peek().kind == .field { names.append(String(next().string.dropFirst())) }
    switch node.kind {
    case .field(let first): return TemplateNode(.field(first + names), at: ahead.position)
    case .variable(let first): return TemplateNode(.variable(first + names), at: ahead.position)
    case .bool, .string, .number, .nothing, .dot:
      throw failure("unexpected . after term \(QuotedText.double(node.shown))")
    default: return TemplateNode(.chain(node, names), at: ahead.position)
    }
  }

  private mutating func term() throws(TemplateError) -> TemplateNode? {
    let token = nextNonSpace()
    switch token.kind {
    case .identifier:
      if TemplateFunction.named[token.string] == nil {
        throw failure("function \(QuotedText.double(token.string)) not defined")
      }
      return TemplateNode(.identifier(token.string), at: token.position)
    case .dot: return TemplateNode(.dot, at: token.position)
    case .nilWord: return TemplateNode(.nothing, at: token.position)
    case .variable:
      if !variables.contains(token.string) {
        throw failure("undefined variable \(QuotedText.double(token.string))")
      }
      return TemplateNode(.variable([token.string]), at: token.position)
    case .field: return TemplateNode(.field([String(token.string.dropFirst())]), at: token.position)
    case .bool: return TemplateNode(.bool(token.string == "true"), at: token.position)
    case .characterConstant, .complex, .number: return TemplateNode(.number(try number(token)), at: token.position)
    case .leftParenthesis:
      nesting += 1
      defer { nesting -= 1 }
      if nesting > TemplateLimits.nestingMax { throw failure("max expression depth exceeded") }
      return try pipeline("parenthesized pipeline", until: .rightParenthesis)
    case .string, .rawString:
      guard let value = UnquotedText.bytes(token.text) else { throw failure("invalid syntax") }
      return TemplateNode(.string(quoted: token.string, value: value), at: token.position)
    default:
      giveBack(token)
      return nil
    }
  }

  private func number(_ token: TemplateToken) throws(TemplateError) -> TemplateNumber {
    switch token.kind {
    case .characterConstant:
      guard let (value, isLonger) = UnquotedText.character(token.text) else { throw failure("invalid syntax") }
      if isLonger { throw failure("malformed character constant: \(token.string)") }
      return TemplateNumber(character: token.string, value: value)
    case .complex: throw failure("complex numbers are not supported: \(QuotedText.double(token.string))")
    default:
      if token.text.last == UInt8(ascii: "i") {
        throw failure("complex numbers are not supported: \(QuotedText.double(token.string))")
      }
      do throws(TemplateError) { return try TemplateNumber(token.string) } catch { throw failure(error.description) }
    }
  }
}
