import Format
import Model
import Platform
import PromQL
import Rules

extension Configuration {
  /// Takes over what rules need of the rest of the file.
  mutating func settleRules(_ document: SectionValue, in directory: String) {
    rules.intervalMilliseconds = global.evaluationMilliseconds
    rules.queryOffsetMilliseconds = global.ruleOffsetMilliseconds
    rules.externalLabels = global.externalLabels
    ruleFileOptions.namesAreLegacy = document.section("global")?.text("metric_name_validation_scheme") == "legacy"
    // The path is a part of a group's name, so it has Prometheus's form.
    ruleFiles = ruleFiles.map { $0.hasPrefix("/") ? $0 : PathPattern.join(directory, $0) }
  }

  /// Takes over what the flags say of rules.
  mutating func takeOver(_ options: ServeOptions) {
    rules.resendMilliseconds = options.alertResendMilliseconds
    rules.outageToleranceMilliseconds = options.alertOutageToleranceMilliseconds
    rules.graceMilliseconds = options.alertGraceMilliseconds
    rules.concurrentEvaluationsMax = options.ruleEvaluationsMax
    var url = options.externalURL[...]
    while url.hasSuffix("/") { url.removeLast() }
    rules.externalURL = String(url)
    ruleFileOptions.language = ParserOptions(features: options.features)
  }

  /// Reads the files that `rule_files` names. An error in one of them refuses all, unless the file says otherwise.
  mutating func loadRules(on disk: any Disk) throws(ConfigurationErrors) {
    if ruleFiles.isEmpty { return }
    let files = RuleFiles(ruleFiles, on: disk, options: ruleFileOptions)
    if !files.errors.isEmpty {
      if !loadsValidRuleFiles { throw ConfigurationErrors(file: file, lines: files.errors.lines) }
      refusedRuleFiles = files.refusedPaths
      warnings += files.errors.lines.map { "rule file left out: \($0)" }
    }
    ruleGroups = files.groups
    warnings += files.missing.map { "rule_files: \(quoted($0)) is not there; no rules are read from it" }
    warnings += files.warnings
  }

  /// Gives workspaces their rules: those of the files are the default workspace's.
  mutating func spreadRules() {
    standard.ruleGroups = ruleGroups
    for place in workspaces.indices {
      workspaces[place].ruleOptions = rules
      workspaces[place].ruleFileOptions = ruleFileOptions
    }
  }

  /// The same configuration with the URL under which others reach this server, where no flag names one.
  func reached(at url: String) -> Configuration {
    var configuration = self
    if rules.externalURL.isEmpty {
      configuration.rules.externalURL = url
      configuration.spreadRules()
    }
    return configuration
  }
}
