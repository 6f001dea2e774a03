import Model

// `apus check ...`: one form for each kind of file, and for a target and a discovery.
extension Command {
  static let checkNames = ["config", "credentials", "rules", "scrape", "sd", "web-config"]

  /// Parses the arguments behind `check`.
  static func check(_ arguments: ArraySlice<String>) throws(ArgumentError) -> Command {
    guard let name = arguments.first else {
      throw ArgumentError("apus check: what is to be checked is missing (\(checkNames.joined(separator: ", ")))")
    }
    let rest = arguments.dropFirst()
    switch name {
    case "config":
      let words = try TSDBWords(
        name, rest, flags: CheckRules.flags + ["syntax-only"], valued: CheckRules.valuedFlags, of: "apus check")
      guard let file = words.positions.first else {
        throw ArgumentError("apus check config: a file is missing: apus check config FILE")
      }
      return .checkConfig(CheckConfig(file: file, rules: words.has("syntax-only") ? nil : CheckRules(words)))
    case "web-config", "credentials":
      let words = try TSDBWords(name, rest, positionsMax: CheckAccess.filesMax, of: "apus check")
      if words.positions.isEmpty {
        throw ArgumentError("apus check \(name): a file is missing: apus check \(name) FILE...")
      }
      return .checkAccess(CheckAccess(kind: name == "credentials" ? .credentials : .webConfig, files: words.positions))
    case "rules":
      return .checkRules(
        CheckRules(
          try TSDBWords(
            name, rest, flags: CheckRules.flags, valued: CheckRules.valuedFlags, positionsMax: CheckRules.filesMax,
            of: "apus check")))
    case "scrape":
      let words = try TSDBWords(name, rest, valued: ["config", "job", "format", "timeout"], of: "apus check")
      guard let target = words.positions.first else {
        throw ArgumentError(
          "apus check scrape: a target is missing: an address, a URL, a file, or - for standard input")
      }
      var check = CheckScrape(target: target)
      (check.configFile, check.job) = (words.text("config"), words.text("job"))
      check.timeoutMilliseconds = try milliseconds("timeout", words)
      if check.job != nil, check.configFile == nil {
        throw ArgumentError("apus check scrape: --job needs --config, the file that has the job")
      }
      if let text = words.text("format") {
        guard let format = CheckScrape.Format(rawValue: text) else {
          let names = CheckScrape.Format.allCases.map(\.rawValue).joined(separator: ", ")
          throw ArgumentError("--format: \(quoted(text)) is none of \(names)")
        }
        check.format = format
      }
      return .checkScrape(check)
    case "sd":
      let words = try TSDBWords(name, rest, valued: ["config", "timeout"], of: "apus check")
      guard let job = words.positions.first else { throw ArgumentError("apus check sd: the name of a job is missing") }
      guard let file = words.text("config") else {
        throw ArgumentError("apus check sd: --config is missing, the file that has the job")
      }
      var check = CheckDiscovery(job: job, configFile: file)
      if let timeout = try milliseconds("timeout", words) { check.timeoutMilliseconds = timeout }
      return .checkDiscovery(check)
    default:
      throw ArgumentError(
        "apus check: \(name) cannot be checked, only \(checkNames.joined(separator: ", "))"
          + ServeOptions.hint(name, in: checkNames))
    }
  }

  private static func milliseconds(_ name: String, _ words: TSDBWords) throws(ArgumentError) -> Int64? {
    guard let text = words.text(name) else { return nil }
    guard let value = DurationText.parse(text), value > 0 else {
      throw ArgumentError("--\(name): \(quoted(text)) is no duration, such as 30s")
    }
    return value
  }
}
