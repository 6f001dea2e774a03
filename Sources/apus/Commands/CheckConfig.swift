import Model
import Platform
import Rules

/// `apus check config FILE`: a summary, or every error; then the rule files that it names.
struct CheckConfig: Sendable {
  var file: String
  /// How rule files are checked; its files are not looked at. Nil: only the file itself is checked.
  var rules: CheckRules?

  static let help = """
    usage: apus check config FILE [--syntax-only] [--lint=duplicate-rules|all|none] [--lint-fatal]
                             [--ignore-unknown-fields] [--enable-feature=NAME,...]

    Checks a configuration file and, without --syntax-only, the rule files that it names, as `apus check rules` does.

    Exit code 0: all are valid; 2: the errors are on standard error, each with its place; 3: a lint found something and
    --lint-fatal was given.
    """

  private static let errorCode: Int32 = 2
  private static let lintCode: Int32 = 3

  func run(environment: [String: String]) -> Int32 {
    let configuration: Configuration
    do throws(ConfigurationErrors) {
      configuration = try ConfigurationFile.load(path: file, environment: environment)
    } catch {
      return CommandResult(errors: error.description, exitCode: CheckConfig.errorCode).finish()
    }
    let output = CommandOutput()
    output.line(CheckConfig.summary(configuration, file: file))
    output.flush()
    guard var rules else { return 0 }
    rules.options.namesAreLegacy = configuration.ruleFileOptions.namesAreLegacy
    let (found, missing) = CheckConfig.ruleFiles(configuration.ruleFiles)
    for text in missing { writeToStandardError("\(file): \(text)") }
    rules.files = found
    if found.isEmpty { return missing.isEmpty ? 0 : CheckConfig.errorCode }
    output.line("")
    let outcome = rules.check(output)
    output.flush()
    if outcome.hasErrors || !missing.isEmpty { return CheckConfig.errorCode }
    return outcome.hasFindings && rules.lint.isFatal ? CheckConfig.lintCode : 0
  }

  /// The rule files that there are, each once, and what is wrong with patterns. A server takes a missing file for none; here it
  /// is an error, as in promtool.
  private static func ruleFiles(_ patterns: [String]) -> (found: [String], faults: [String]) {
    var seen: Set<String> = []
    var found: [String] = []
    var faults: [String] = []
    for pattern in patterns {
      let files: [String]
      do throws(PathPattern.PatternError) { files = try PathPattern(pattern).paths() } catch {
        faults.append("rule_files: \(error) \(quoted(pattern))")
        continue
      }
      if files.isEmpty && !pattern.contains("*") {
        faults.append("\(quoted(pattern)) does not point to an existing file")
      }
      found += files.filter { seen.insert($0).inserted }
    }
    return (found, faults)
  }

  static func summary(_ configuration: Configuration, file: String) -> String {
    var lines = ["\(file) is valid"]
    for key in Schema.root.keys where configuration.document.isGiven(key.name) {
      guard case .list(let values)? = configuration.document.values[key.name] else { continue }
      lines.append("  \(key.name): \(values.count)")
    }
    let workspaces = configuration.workspaces.count - 1
    if workspaces > 0 { lines.append("  apus.workspaces: \(workspaces)") }
    return (lines + configuration.warnings.map { "  warning: \($0)" }).joined(separator: "\n")
  }
}
