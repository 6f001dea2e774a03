import CShims

/// Why a regular expression was refused, in Prometheus's words: ``error parsing regexp: missing closing ]: `[a` ``.
package struct RegexError: Error, Equatable, CustomStringConvertible {
  package var description: String

  init(reason: String, fragment: String) { description = "error parsing regexp: \(reason): `\(fragment)`" }
}

// A regular expression compiled by RE2: linear time, fully anchored, `.` matches newlines too. Immutable; any thread may
// match at any time.
//
// Prometheus uses Go's regexp, which is RE2's language from the same author. Where they differ:
// - `\C` (any byte) is RE2's alone: refused here with Go's words.
// - `(?<name>...)` is Go's (since 1.22), not that of the RE2 we link: rewritten to `(?P<name>...)`.
// - `\pN`, `\p{Greek}` and case folding follow each library's Unicode tables, which differ in version only.
// - On bytes that are not UTF-8, Go lets `.` match one, RE2 does not. Label values are checked when they come in.
// - Go refuses programs by the size of the parsed expression, RE2 by `memoryBytesMax`; both refuse repetitions over 1000.
package final class RegexProgram: @unchecked Sendable {
  /// Bounds the program and its lazily built automaton; when the automaton is full RE2 starts it anew or goes on slower.
  package static let memoryBytesMax: Int64 = 8 << 20
  /// Longer patterns are refused.
  package static let patternBytesMax = 1 << 20

  package let groupCount: Int
  private let program: OpaquePointer

  package init(_ pattern: String) throws(RegexError) {
    if pattern.utf8.count > RegexProgram.patternBytesMax {
      throw RegexError(reason: "expression too large", fragment: String(pattern.prefix(64)))
    }
    var adapted = try RegexProgram.adapted(pattern)
    var reason = [UInt8](repeating: 0, count: adapted.utf8.count + 128)
    let compiled = adapted.withUTF8 { text in
      reason.withUnsafeMutableBytes { reason in
        text.withMemoryRebound(to: CChar.self) { text in
          reason.withMemoryRebound(to: CChar.self) { reason in
            apus_re2_new(
              text.baseAddress, text.count, RegexProgram.memoryBytesMax, reason.baseAddress, reason.count)
          }
        }
      }
    }
    guard let compiled else { throw RegexProgram.error(reason) }
    program = compiled
    groupCount = Int(apus_re2_group_count(compiled))
  }

  deinit { apus_re2_free(program) }

  /// True if the whole of `text` matches.
  package func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    apus_re2_full_match(program, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count) != 0
  }

  /// The groups of a match of the whole text as byte ranges, 0 being all of it; nil for a group that took no part. No
  /// ranges at all where the text does not match.
  package func groups(in text: UnsafeRawBufferPointer) -> [Range<Int>?]? {
    var offsets = [Int64](repeating: -1, count: 2 * (groupCount + 1))
    let matched = apus_re2_full_match_groups(
      program, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, &offsets, groupCount + 1)
    return matched == 0 ? nil : ranges(offsets)
  }

  /// The groups of the first match at or behind `start`, anywhere in the text; 0 is all of it. Nil where there is none.
  package func firstGroups(in text: LentBytes, from start: Int) -> [Range<Int>?]? {
    var offsets = [Int64](repeating: -1, count: 2 * (groupCount + 1))
    let matched = apus_re2_first_match_groups(
      program, text.raw.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, start, &offsets, groupCount + 1)
    return matched == 0 ? nil : ranges(offsets)
  }

  private func ranges(_ offsets: [Int64]) -> [Range<Int>?] {
    (0...groupCount).map { group in
      offsets[2 * group] < 0 ? nil : Int(offsets[2 * group])..<Int(offsets[2 * group + 1])
    }
  }

  /// The number of a named group.
  package func group(named name: String) -> Int? {
    var name = name
    let index = name.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) { apus_re2_named_group(program, $0.baseAddress, $0.count) }
    }
    return index < 0 ? nil : Int(index)
  }

  /// Go's spelling of RE2's reasons.
  private static let reasons: [(re2: String, go: String)] = [
    ("missing ]", "missing closing ]"),
    ("missing )", "missing closing )"),
    ("trailing \\", "trailing backslash at end of expression"),
    ("no argument for repetition operator", "missing argument to repetition operator"),
    ("invalid repetition size", "invalid repeat count"),
    ("bad repetition operator", "invalid nested repetition operator"),
    ("invalid perl operator", "invalid or unsupported Perl syntax"),
    ("invalid named capture group", "invalid named capture"),
    ("pattern too large - compile failed", "expression too large"),
    // These are the same in both, but have to be told from their arguments.
    ("invalid escape sequence", "invalid escape sequence"),
    ("invalid character class range", "invalid character class range"),
    ("invalid character class", "invalid character class"),
    ("unexpected )", "unexpected )"),
    ("invalid UTF-8", "invalid UTF-8"),
  ]

  private static func error(_ buffer: [UInt8]) -> RegexError {
    let text = String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    for reason in reasons where text.hasPrefix(reason.re2) {
      let rest = text.dropFirst(reason.re2.count)
      if rest.isEmpty { return RegexError(reason: reason.go, fragment: "") }
      if rest.hasPrefix(": ") { return RegexError(reason: reason.go, fragment: String(rest.dropFirst(2))) }
    }
    return RegexError(reason: "unexpected error", fragment: text)
  }

  /// The pattern in RE2's spelling.
  private static func adapted(_ pattern: String) throws(RegexError) -> String {
    let bytes = Array(pattern.utf8)
    var result: [UInt8] = []
    var at = 0
    var inClass = false
    while at < bytes.count {
      let rest = bytes[at...]
      if rest.starts(with: [0x5c, 0x51]) && !inClass {  // \Q, up to \E
        var end = at + 2
        while end < bytes.count, !bytes[end...].starts(with: [0x5c, 0x45]) { end += 1 }
        result += bytes[at..<min(end + 2, bytes.count)]
        at = end + 2
      } else if bytes[at] == 0x5c {
        if rest.dropFirst().first == 0x43 { throw RegexError(reason: "invalid escape sequence", fragment: "\\C") }
        result += rest.prefix(2)
        at += 2
      } else if !inClass && rest.starts(with: [0x28, 0x3f, 0x3c]) && ![0x3d, 0x21].contains(rest.dropFirst(3).first) {
        result += [0x28, 0x3f, 0x50, 0x3c]  // (?< becomes (?P<, but for the look-behinds (?<= and (?<!
        at += 3
      } else if !inClass && bytes[at] == 0x5b {
        inClass = true
        // A bracket right behind the opening one (or its ^) is a member.
        let opening = rest.starts(with: [0x5b, 0x5e]) ? 2 : 1
        let length = rest.dropFirst(opening).first == 0x5d ? opening + 1 : opening
        result += rest.prefix(length)
        at += length
      } else if inClass && rest.starts(with: [0x5b, 0x3a]) {  // [:name:]
        var end = at + 2
        while end < bytes.count, !bytes[end...].starts(with: [0x3a, 0x5d]) { end += 1 }
        let stop = end < bytes.count ? end + 2 : at + 2
        result += bytes[at..<stop]
        at = stop
      } else {
        if bytes[at] == 0x5d { inClass = false }
        result.append(bytes[at])
        at += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
