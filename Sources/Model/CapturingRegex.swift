import CShims

/// A compiled regular expression of the RE2 language, matched against whole texts, with its groups. Immutable; matching is
/// safe from several threads at once (RE2 promises it), which is why it may be shared.
package final class CapturingRegex: @unchecked Sendable {
  /// Why a pattern is none, in the words of Prometheus.
  package struct SyntaxError: Error, CustomStringConvertible {
    package let description: String
  }

  /// Memory one pattern may take, in bytes; larger ones are refused.
  private static let memoryBytesMaximum: Int64 = 8 << 20

  private let regex: OpaquePointer
  package let groupCount: Int

  package init(_ pattern: String) throws(SyntaxError) {
    var text = pattern
    var reason = [CChar](repeating: 0, count: 512)
    let compiled = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        apus_re2_new(characters.baseAddress, characters.count, Self.memoryBytesMaximum, &reason, reason.count)
      }
    }
    guard let compiled else {
      let bytes = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw SyntaxError(description: Self.worded(String(decoding: bytes, as: UTF8.self), pattern))
    }
    regex = compiled
    groupCount = Int(apus_re2_group_count(compiled))
  }

  deinit { apus_re2_free(regex) }

  package func matches(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
  }

  package func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    apus_re2_full_match(regex, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count) != 0
  }

  /// The groups of a match of the whole text, group 0 the match itself, nil where a group took no part; nil where the text
  /// does not match.
  package func groups(_ text: String) -> [String?]? {
    var text = text
    return text.withUTF8 { bytes -> [String?]? in
      var offsets = [Int64](repeating: -1, count: 2 * (groupCount + 1))
      let found = bytes.withMemoryRebound(to: CChar.self) {
        apus_re2_full_match_groups(regex, $0.baseAddress, $0.count, &offsets, groupCount + 1)
      }
      guard found != 0 else { return nil }
      return (0...groupCount).map { group in
        let start = Int(offsets[2 * group])
        let end = Int(offsets[2 * group + 1])
        return start < 0 ? nil : String(decoding: bytes[start..<end], as: UTF8.self)
      }
    }
  }

  /// The number of the named group.
  package func group(named name: String) -> Int? {
    var name = name
    let index = name.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { apus_re2_named_group(regex, $0.baseAddress, $0.count) }
    }
    return index < 0 ? nil : Int(index)
  }

  /// The reason in the words of Go's library, whose messages Prometheus shows.
  private static func worded(_ reason: String, _ pattern: String) -> String {
    let known: [(theirs: String, ours: String)] = [
      ("missing ]", "missing closing ]"), ("missing )", "missing closing )"),
      ("trailing \\", "trailing backslash at end of expression"),
      ("no argument for repetition operator", "missing argument to repetition operator"),
      ("invalid repetition size", "invalid repeat count"),
      ("bad repetition operator", "invalid nested repetition operator"),
      ("invalid perl operator", "invalid or unsupported Perl syntax"),
      ("invalid named capture group", "invalid named capture"),
    ]
    for (theirs, ours) in known where reason.utf8.starts(with: theirs.utf8) {
      let rest = reason.utf8.dropFirst(theirs.utf8.count)
      let part = ours == "missing closing )" ? pattern : (String(rest.drop { $0 == 58 || $0 == 32 }) ?? "")
      return "error parsing regexp: \(ours)" + (part.isEmpty ? "" : ": `\(part)`")
    }
    return "error parsing regexp: \(reason)"
  }
}
