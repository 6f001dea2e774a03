import Model
import PromQL
import Rules

/// `apus check rules`: what is wrong with rule files, in promtool's words and with its exit codes.
struct CheckRules: Sendable {
  /// Standard input where there is none.
  var files: [String]
  var lint = RuleLint()
  var options = RuleFileOptions()

  init(files: [String] = []) { self.files = files }

  static let help = """
    usage: apus check rules [FILE...|-] [--lint=duplicate-rules|all|none] [--lint-fatal] [--ignore-unknown-fields]
                            [--enable-feature=NAME,...]

    Checks rule files, or standard input where none is named, as the server does when it reads them: shape, names,
    expressions and templates. Lints look for what is valid and may be a mistake: rules that are twice in a file.

    Exit code 0: all are valid, 1: errors, each with its place, are on standard error, 2: the arguments are wrong, 3: a lint
    found something and --lint-fatal was given.
    """

  private static let errorCode: Int32 = 1
  private static let lintCode: Int32 = 3

  func run() -> Int32 {
    let output = CommandOutput()
    let outcome = check(output)
    output.flush()
    if outcome.hasErrors { return CheckRules.errorCode }
    return outcome.hasFindings && lint.isFatal ? CheckRules.lintCode : 0
  }

  /// Checks all files, and goes on behind one that is wrong.
  func check(_ output: CommandOutput) -> (hasErrors: Bool, hasFindings: Bool) {
    for option in lint.unknown { output.line("WARNING: unknown lint option: \(quoted(option))") }
    var (hasErrors, hasFindings) = (false, false)
    for file in files.isEmpty ? ["-"] : files {
      let isInput = file == "-"
      output.line(isInput ? "Checking standard input" : "Checking \(file)")
      output.flush()
      do throws(RuleFileErrors) {
        let read = try read(file, isInput)
        for warning in read.warnings { writeToStandardError("  WARNING: \(warning)") }
        if let finding = lint.finding(read.groups) {
          writeToStandardError("  FAILED:\nlint error \(finding)")
          hasFindings = true
        } else {
          output.line("  SUCCESS: \(read.ruleCount) rules found")
        }
        output.line("")
      } catch {
        writeToStandardError("  FAILED:\n\(error)")
        hasErrors = true
      }
    }
    return (hasErrors, hasFindings)
  }

  private func read(_ file: String, _ isInput: Bool) throws(RuleFileErrors) -> RuleFile {
    let bytes: [UInt8]
    do throws(InputFileError) {
      bytes = try InputFile.bytes(file, bytesMax: options.limits.bytesMax, dashIsInput: true)
    } catch {
      throw RuleFileErrors([RuleFileError(file: isInput ? "standard input" : file, text: "\(error)")])
    }
    return try RuleFile(bytes, path: isInput ? "" : file, options: options)
  }
}

extension CheckRules {
  static let flags = ["lint-fatal", "ignore-unknown-fields"]
  static let valuedFlags = ["lint", "enable-feature"]
  /// The most files of one command.
  static let filesMax = 100_000

  init(_ words: TSDBWords) {
    self.init(files: words.positions)
    lint = RuleLint(words.text("lint") ?? RuleLint.duplicates, isFatal: words.has("lint-fatal"))
    options.ignoresUnknownKeys = words.has("ignore-unknown-fields")
    let features = Set(words.all("enable-feature").flatMap { $0.split(separator: ",").map(String.init) })
    options.language = ParserOptions(features: features)
  }
}

extension ParserOptions {
  /// The language as `--enable-feature` has it.
  init(features: Set<String>) {
    self.init()
    experimentalFunctions = features.contains("promql-experimental-functions")
    extendedRangeSelectors = features.contains("promql-extended-range-selectors")
    fillModifiers = features.contains("promql-binop-fill-modifiers")
  }
}
