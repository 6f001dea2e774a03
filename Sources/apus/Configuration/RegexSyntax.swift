import Model

/// Whether a text is an expression as relabelling knows it: of the RE2 language, matched against whole texts.
enum RegexSyntax {
  static func isValid(_ pattern: String) -> Bool { fault(pattern) == nil }

  /// Why it is none, in Prometheus's words.
  static func fault(_ pattern: String) -> String? {
    do throws(RegexError) {
      _ = try RegexProgram(pattern)
      return nil
    } catch {
      return error.description
    }
  }
}
