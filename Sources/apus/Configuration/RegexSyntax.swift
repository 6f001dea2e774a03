import CShims

/// Whether a text is an RE2 expression; the matching itself is not done here.
enum RegexSyntax {
  private static let memoryBytesMax: Int64 = 8 << 20

  static func isValid(_ pattern: String) -> Bool {
    // As it will be used: anchored, with dots that match line ends.
    var anchored = "^(?s:" + pattern + ")$"
    return anchored.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        guard let regex = apus_re2_new(text.baseAddress, text.count, memoryBytesMax, nil, 0) else { return false }
        apus_re2_free(regex)
        return true
      }
    }
  }
}
