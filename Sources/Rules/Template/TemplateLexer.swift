import Model

/// The tokens of a template, one after the other: text, and within `{{` and `}}` what actions are made of. The rules and
/// the messages are those of Go's text/template. Trees of one text share one.
final class TemplateLexer {
  private let input: [UInt8]
  private var position = 0
  /// The first byte of the token on its way, and its line.
  private var start = 0
  private var startLine = 1
  private var line = 1
  private var isInAction = false
  private var openParentheses = 0
  /// An error ends the tokens.
  private var hasFailed = false

  init(_ input: [UInt8]) { self.input = input }

  func next() -> TemplateToken {
    if hasFailed { return TemplateToken(kind: .end, position: position, text: [], line: startLine) }
    if !isInAction {
      if let token = lexText() { return token }
    }
    return lexAction()
  }

  // MARK: text

  /// Nil where an action has begun and its first token is next.
  private func lexText() -> TemplateToken? {
    while true {
      guard let found = find("{{", from: position) else {
        position = input.count
        if position > start { return emit(.text) }
        return emit(.end)
      }
      if found > position {
        position = found
        var trimmed = 0
        if isLeftMarker(found + 2) { trimmed = spaces(before: found, from: start) }
        position -= trimmed
        let token = emit(.text)
        position += trimmed
        ignore()
        if !token.text.isEmpty { return token }
      }
      if let token = lexLeftDelimiter() { return token }
    }
  }

  /// Nil where it begins a comment, which is passed over.
  private func lexLeftDelimiter() -> TemplateToken? {
    position += 2
    let marker = isLeftMarker(position) ? 2 : 0
    if has("/*", at: position + marker) {
      position += marker
      ignore()
      return lexComment()
    }
    let token = emit(.leftDelimiter)
    isInAction = true
    position += marker
    ignore()
    openParentheses = 0
    return token
  }

  private func lexComment() -> TemplateToken? {
    guard let close = find("*/", from: position + 2) else { return fail("unclosed comment") }
    position = close + 2
    let marker = rightDelimiter(at: position)
    guard let marker else { return fail("comment ends before closing delimiter") }
    position += marker + 2
    if marker > 0 { while position < input.count, isSpace(input[position]) { position += 1 } }
    ignore()
    return nil
  }

  private func lexRightDelimiter(marker: Int) -> TemplateToken {
    position += marker
    ignore()
    position += 2
    let token = emit(.rightDelimiter)
    if marker > 0 {
      while position < input.count, isSpace(input[position]) { position += 1 }
      ignore()
    }
    isInAction = false
    return token
  }

  // MARK: actions

  private func lexAction() -> TemplateToken {
    if let marker = rightDelimiter(at: position) {
      return openParentheses == 0 ? lexRightDelimiter(marker: marker) : fail("unclosed left paren")
    }
    let (rune, width) = peek()
    switch rune {
    case .end: return fail("unclosed action")
    case _ where rune.isSpace: return lexSpace()
    case "=": return take(1, .assign)
    case ":":
      position += 1
      guard position < input.count, input[position] == UInt8(ascii: "=") else {
        return fail("expected :=")
      }
      return take(1, .declare)
    case "|": return take(1, .pipe)
    case "\"": return lexQuoted()
    case "`": return lexRaw()
    case "'": return lexCharacter()
    case "$":
      position += 1
      return lexName(.variable)
    case ".":
      if position + 1 < input.count, !Rune(value: UInt32(input[position + 1])).isDigit {
        position += 1
        return lexName(.field)
      }
      return lexNumber()
    case "+", "-": return lexNumber()
    case "(":
      openParentheses += 1
      return take(1, .leftParenthesis)
    case ")":
      openParentheses -= 1
      position += 1
      return openParentheses < 0 ? fail("unexpected right paren") : emit(.rightParenthesis)
    case _ where rune.isDigit: return lexNumber()
    case _ where TemplateLexer.isNamePart(rune): return lexIdentifier()
    case _ where rune.value > 0x20 && rune.value < 0x7f: return take(width, .character)
    default:
      return fail("unrecognized character in action: \(QuotedText.codePoint(rune))")
    }
  }

  private func lexSpace() -> TemplateToken {
    while position < input.count, isSpace(input[position]) { position += 1 }
    // The last of the spaces may belong to a marker that trims.
    if has("-}}", at: position) {
      position -= 1
      if position == start { return lexRightDelimiter(marker: 2) }
    }
    return emit(.space)
  }

  private func lexIdentifier() -> TemplateToken {
    skipName()
    if !isAtTerminator { return badCharacter() }
    let word = String(decoding: input[start..<position], as: UTF8.self)
    if let keyword = TemplateToken.keywords[word] { return emit(keyword) }
    return emit(word == "true" || word == "false" ? .bool : .identifier)
  }

  /// A field or a variable; its dot or dollar is passed.
  private func lexName(_ kind: TemplateToken.Kind) -> TemplateToken {
    if isAtTerminator { return emit(kind == .field ? .dot : kind) }
    skipName()
    return isAtTerminator ? emit(kind) : badCharacter()
  }

  private func skipName() {
    while true {
      let (rune, width) = peek()
      guard TemplateLexer.isNamePart(rune) else { return }
      position += width
    }
  }

  private func badCharacter() -> TemplateToken { fail("bad character \(QuotedText.codePoint(peek().0))") }

  private func lexQuoted() -> TemplateToken {
    scanQuoted(UInt8(ascii: "\"")) ? emit(.string) : fail("unterminated quoted string")
  }

  private func lexCharacter() -> TemplateToken {
    scanQuoted(UInt8(ascii: "'")) ? emit(.characterConstant) : fail("unterminated character constant")
  }

  /// True where the closing quote is found on the same line.
  private func scanQuoted(_ quote: UInt8) -> Bool {
    position += 1
    while position < input.count {
      let byte = input[position]
      position += 1
      if byte == quote { return true }
      if byte == 10 { return false }
      guard byte == UInt8(ascii: "\\") else { continue }
      guard position < input.count, input[position] != 10 else { return false }
      position += 1
    }
    return false
  }

  private func lexRaw() -> TemplateToken {
    guard let close = find("`", from: position + 1) else {
      position = input.count
      return fail("unterminated raw quoted string")
    }
    position = close + 1
    return emit(.rawString)
  }

  // MARK: numbers

  private func lexNumber() -> TemplateToken {
    guard scanNumber() else { return badNumber() }
    guard position < input.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(input[position]) else {
      return emit(.number)
    }
    guard scanNumber(), input[position - 1] == UInt8(ascii: "i") else { return badNumber() }
    return emit(.complex)
  }

  private func badNumber() -> TemplateToken {
    fail("bad number syntax: \(QuotedText.go(input[start..<position], bytesMax: .max))")
  }

  /// Passes over what may be a number; false where a letter follows it.
  private func scanNumber() -> Bool {
    accept("+-")
    var digits: StaticString = "0123456789_"
    var exponent: StaticString = "eE"
    if accept("0") {
      if accept("xX") {
        (digits, exponent) = ("0123456789abcdefABCDEF_", "pP")
      } else if accept("oO") {
        (digits, exponent) = ("01234567_", "")
      } else if accept("bB") {
        (digits, exponent) = ("01_", "")
      }
    }
    while accept(digits) {}
    if accept(".") { while accept(digits) {} }
    if accept(exponent) {
      accept("+-")
      while accept("0123456789_") {}
    }
    accept("i")
    let (rune, width) = peek()
    if TemplateLexer.isNamePart(rune) {
      position += width
      return false
    }
    return true
  }

  @discardableResult private func accept(_ set: StaticString) -> Bool {
    guard position < input.count, set.contains(input[position]) else { return false }
    position += 1
    return true
  }

  // MARK: parts

  private func peek() -> (Rune, Int) { UTF8Cursor.decode(input[position...]) }

  private func take(_ width: Int, _ kind: TemplateToken.Kind) -> TemplateToken {
    position += width
    return emit(kind)
  }

  private func emit(_ kind: TemplateToken.Kind) -> TemplateToken {
    let token = TemplateToken(kind: kind, position: start, text: input[start..<position], line: startLine)
    ignore()
    return token
  }

  /// Leaves out the bytes that were passed: they belong to no token.
  private func ignore() {
    for byte in input[start..<position] where byte == 10 { line += 1 }
    start = position
    startLine = line
  }

  private func fail(_ message: String) -> TemplateToken {
    hasFailed = true
    return TemplateToken(kind: .error, position: start, text: Array(message.utf8)[...], line: startLine)
  }

  /// The length of the marker before a closing delimiter that stands at `place`; nil where none stands there.
  private func rightDelimiter(at place: Int) -> Int? {
    if place < input.count, isSpace(input[place]), has("-}}", at: place + 1) { return 2 }
    return has("}}", at: place) ? 0 : nil
  }

  private func isLeftMarker(_ place: Int) -> Bool {
    place + 1 < input.count && input[place] == UInt8(ascii: "-") && isSpace(input[place + 1])
  }

  private var isAtTerminator: Bool {
    let rune = peek().0
    return rune == .end || rune.isSpace || rune.isOne(of: ".,|:)(") || has("}}", at: position)
  }

  private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 9 || byte == 10 || byte == 13 }

  private func spaces(before end: Int, from start: Int) -> Int {
    input[start..<end].reversed().prefix { isSpace($0) }.count
  }

  private func has(_ text: String, at place: Int) -> Bool {
    place <= input.count && input[place...].starts(with: text.utf8)
  }

  private func find(_ text: String, from place: Int) -> Int? {
    guard place <= input.count, let first = text.utf8.first else { return nil }
    return (place..<input.count).first { input[$0] == first && has(text, at: $0) }
  }

  static func isNamePart(_ rune: Rune) -> Bool {
    if rune.isAlphaNumeric { return true }
    guard rune.value >= 0x80, rune != .end, let scalar = Unicode.Scalar(rune.value) else { return false }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber:
      return true
    default: return false
    }
  }
}
