/// A regular expression as label matchers use it: fully anchored, matched by its shape where it has one, by RE2 where not.
/// Immutable, for any thread.
package final class RegexMatcher: Sendable {
  package let pattern: String
  private let shape: RegexShape?
  private let program: RegexProgram?

  package init(_ pattern: String) throws(RegexError) {
    self.pattern = pattern
    shape = pattern.utf8.count <= RegexProgram.patternBytesMax ? RegexShape(pattern) : nil
    program = shape == nil ? try RegexProgram(pattern) : nil
  }

  package func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    if let shape { return shape.matches(text) }
    return program?.matches(text) ?? false
  }

  package func matches(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
  }

  /// The texts that match, where they are finitely many and known.
  package var literals: ByteStringSet? { shape.flatMap { $0.globs.isEmpty ? $0.literals : nil } }

  /// The prefix of every matching text; empty where none is known.
  package var prefix: [UInt8] {
    guard let shape else { return [] }
    let beginnings = shape.globs.map { $0.prefix } + shape.literals.strings
    guard var common = beginnings.first else { return [] }
    for beginning in beginnings {
      common.removeLast(common.count - zip(common, beginning).prefix { $0 == $1 }.count)
    }
    return common
  }

  /// True if every text matches (`.*`).
  package var matchesAll: Bool { shape?.globs.contains(RegexGlob(gaps: [0])) ?? false }

  /// True if every text but the empty one matches (`.+`), and perhaps that too.
  package var matchesAllButEmpty: Bool { matchesAll || shape?.globs.contains(RegexGlob(gaps: [1])) ?? false }
}
