// The regular expressions that people write for labels, nearly always: literals, alternations of them, and `.*` or `.+`
// between literals. Such a pattern is a finite set of strings and a few globs, which match by comparing bytes, and the set
// is looked up instead of matched at all. Everything else is RE2's. A shape agrees with RE2 on every UTF-8 text.

/// A pattern as a set of strings and globs; it matches what one of them matches.
final class RegexShape: Sendable {
  let literals: ByteStringSet
  let globs: [RegexGlob]
  private let program: RegexGlobProgram

  /// Above this many globs one automaton is faster.
  static let globCountMax = 32
  /// Alternatives of a pattern written out.
  static let alternativeCountMax = 1 << 16
  /// Alternatives that come from multiplying out, as in `(a|b)(c|d)`.
  static let productCountMax = 1 << 10

  /// The shape of a pattern; nil where it has none, or is no regular expression.
  init?(_ pattern: String) {
    var parser = RegexShapeParser(pattern)
    guard let alternatives = parser.parse() else { return nil }
    var literals: [[UInt8]] = []
    var globs: [RegexGlob] = []
    for alternative in alternatives {
      guard let pieces = RegexShape.normalized(alternative) else { return nil }
      if pieces.count == 1, case .text(let text) = pieces[0] {
        literals.append(text)
      } else {
        let glob = RegexShape.glob(pieces)
        if !globs.contains(glob) { globs.append(glob) }
        if globs.count > RegexShape.globCountMax { return nil }
      }
    }
    self.literals = ByteStringSet(literals)
    self.globs = globs
    program = RegexGlobProgram(globs)
  }

  func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    literals.contains(text) || program.matches(text)
  }

  /// Alternately text and gaps, beginning and ending with a text that may be empty; nil where an anchor stands inside.
  private static func normalized(_ items: [RegexPiece]) -> [RegexPiece]? {
    var items = items[...]
    while case .begin? = items.first { items.removeFirst() }
    while case .end? = items.last { items.removeLast() }
    var pieces: [RegexPiece] = [.text([])]
    for item in items {
      switch (item, pieces[pieces.count - 1]) {
      case (.text(let text), .text(let before)): pieces[pieces.count - 1] = .text(before + text)
      case (.text, .gap): pieces.append(item)
      case (.gap, .text(let before)):
        // Two gaps side by side (an empty text between them) are one; two `.+` want two characters, which is RE2's.
        if before.isEmpty, pieces.count > 1, case .gap(let least) = pieces[pieces.count - 2], case .gap(let more) = item
        {
          if least + more > 1 { return nil }
          pieces[pieces.count - 2] = .gap(least: least + more)
        } else {
          pieces.append(item)
          pieces.append(.text([]))
        }
      case (.begin, _), (.end, _), (_, .begin), (_, .end), (.gap, .gap): return nil
      }
    }
    return pieces
  }

  private static func glob(_ pieces: [RegexPiece]) -> RegexGlob {
    var glob = RegexGlob()
    for (index, piece) in pieces.enumerated() {
      switch piece {
      case .gap(let least): glob.gaps.append(least)
      case .text(let text):
        if index == 0 {
          glob.prefix = text
        } else if index == pieces.count - 1 {
          glob.suffix = text
        } else {
          glob.middles.append(text)
        }
      case .begin, .end: break
      }
    }
    return glob
  }
}
