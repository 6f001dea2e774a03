import Model

/// The syntax of regular expressions in relabelling rules: RE2, matched against whole texts.
enum RegexSyntax {
  static func isValid(_ pattern: String) -> Bool { fault(pattern) == nil }

  /// The reason why `pattern` is no such expression, in Prometheus's words; nil where it is one.
  static func fault(_ pattern: String) -> String? {
    do throws(RegexError) {
      _ = try RegexProgram(pattern)
      return nil
    } catch {
      return error.description
    }
  }
}
