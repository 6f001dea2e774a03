import Model

/// A regular expression that is looked for anywhere in a text, by Go's rules: `.` is no line break. Immutable.
final class TemplateRegex: Sendable {
  /// Regular expressions that one expansion keeps.
  static let keptMax = 16
  /// Steps that compiling one costs.
  static let stepCount = 2000

  private let finder: RegexProgram
  private let plain: RegexProgram

  init(_ pattern: String) throws(RegexError) {
    // Compiled alone first: its errors have to tell of it and not of what is put around it.
    plain = try RegexProgram(pattern)
    finder = try RegexProgram("(?-s:\(pattern))")
  }

  /// The groups of the first match at or behind a place; 0 is the whole match.
  func firstMatch(in text: [UInt8], from place: Int) -> [Range<Int>?]? {
    text.lend { finder.firstGroups(in: $0, from: place) }
  }

  /// The text with each match replaced; `$1` and `${name}` in the replacement are groups.
  func replaceAll(
    in text: [UInt8], with replacement: [UInt8], _ state: inout TemplateEvaluator
  ) throws(TemplateCallError) -> [UInt8] {
    let template = ReplacementTemplate(
      String(decoding: replacement, as: UTF8.self), groupCount: finder.groupCount
    ) { finder.group(named: $0) }
    var result: [UInt8] = []
    var (end, search) = (0, 0)
    var counted = 0
    while search <= text.count, let groups = firstMatch(in: text, from: search), let match = groups[0] {
      try state.count(1 + (match.upperBound - search) / 64)
      result += text[end..<match.lowerBound]
      // No empty match right behind another one.
      if match.upperBound > end || match.lowerBound == 0 {
        try state.room(template.byteCount(groups))
        text.lend { template.expand($0, groups, into: &result) }
      }
      end = match.upperBound
      if result.count - counted > 4096 {
        if result.count > state.limits.outputBytesMax { try state.room(result.count) }
        counted = result.count
      }
      let width = UTF8Cursor.decode(text[search...]).1
      if search + width > match.upperBound {
        search += width
      } else if search + 1 > match.upperBound {
        search += 1
      } else {
        search = match.upperBound
      }
    }
    result += text[end...]
    try state.room(result.count)
    return result
  }
}

extension TemplateEvaluator {
  /// The regular expression of a pattern, compiled at most once for an expansion.
  mutating func regex(
    _ pattern: [UInt8], _ message: (RegexError) -> String
  ) throws(TemplateCallError) -> TemplateRegex {
    if let known = regexes[pattern] { return known }
    try count(TemplateRegex.stepCount + pattern.count)
    do throws(RegexError) {
      let regex = try TemplateRegex(String(decoding: pattern, as: UTF8.self))
      if regexes.count >= TemplateRegex.keptMax { regexes.removeAll() }
      regexes[pattern] = regex
      return regex
    } catch { throw .failed(message(error)) }
  }

  mutating func count(_ steps: Int) throws(TemplateCallError) {
    do throws(TemplateError) { try step(steps) } catch { throw .stopped(error) }
  }
}
