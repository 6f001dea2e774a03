import Testing

@testable import apus

@Suite("Errors of the configuration")
struct ConfigurationErrorTests {
  private func lines(_ text: String) -> [String] {
    do throws(ConfigurationErrors) {
      _ = try Configuration.read(Array(text.utf8), file: "p.yml")
      return []
    } catch { return error.lines }
  }

  @Test(
    "each error names its place, what is wrong and what was expected",
    arguments: [
      (
        "global:\n  scrape_intervall: 1s\n",
        "p.yml:2:3: unknown key \"scrape_intervall\" in global; did you mean scrape_interval?"
      ),
      ("globl: {}\n", "p.yml:1:1: unknown key \"globl\" in the configuration; did you mean global?"),
      ("zzzzz: {}\n", "p.yml:1:1: unknown key \"zzzzz\" in the configuration"),
      ("hello\n", "p.yml:1:1: the configuration: a single value where a section is needed (expected keys and values)"),
      ("- a\n", "p.yml:1:1: the configuration: a list where a section is needed (expected keys and values)"),
      ("global: [a]\n", "p.yml:1:9: global: a list where a section is needed (expected keys and values)"),
      (
        "global:\n  scrape_interval: 15\n",
        "p.yml:2:20: scrape_interval: \"15\" (expected a duration such as 30s, 1h30m or 15d)"
      ),
      (
        "storage:\n  tsdb:\n    out_of_order_time_window: -1h\n",
        "p.yml:3:31: out_of_order_time_window: \"-1h\" (expected a duration such as 30s, 1h30m or 15d)"
      ),
      (
        "storage: {tsdb: {retention: {size: 5}}}\n",
        "p.yml:1:36: size: \"5\" (expected a size with a unit such as 512MB or 10GiB)"
      ),
      (
        "storage: {tsdb: {retention: {percentage: 101}}}\n",
        "p.yml:1:42: percentage: \"101\" (expected a number from 0 to 100)"
      ),
      ("rule_files: a.yml\n", "p.yml:1:13: rule_files: \"a.yml\" (expected a list)"),
      (
        "rule_files: ['a/*/b.yml']\n",
        "p.yml:1:14: rule_files: \"a/*/b.yml\" (expected a file, with stars only after the last slash)"
      ),
      (
        "apus: {limits: {max_active_series: -1}}\n",
        "p.yml:1:36: max_active_series: \"-1\" (expected a whole number from 0)"
      ),
      (
        "apus: {limits: {max_active_series: [1]}}\n",
        "p.yml:1:36: max_active_series: a list (expected a whole number from 0)"
      ),
      ("apus: {ha: {enabled: 'true'}}\n", "p.yml:1:22: enabled: \"true\" (expected true or false)"),
      (
        "apus: {ha: {cluster_label: x, replica_label: x}}\n",
        "p.yml:1:31: ha: cluster_label and replica_label are the same"
      ),
      ("apus: {ha: {cluster_label: ''}}\n", "p.yml:1:28: cluster_label: \"\" (expected a label name)"),
      ("apus: {retention_rules: [{selector: up}]}\n", "p.yml:1:26: retention rule: the key \"retention\" is missing"),
      ("apus: {retention_rules: [{selector: '', retention: 1d}]}\n", "p.yml:1:37: selector: it is empty"),
      ("apus: {retention_rules: [~]}\n", "p.yml:1:26: retention rule: it is empty"),
      (
        "global: {scrape_interval: 5s, scrape_timeout: 6s}\n",
        "p.yml:1:31: global: scrape_timeout is greater than scrape_interval"
      ),
      ("scrape_configs: [{}]\n", "p.yml:1:18: scrape config: the key \"job_name\" is missing"),
      ("scrape_configs: [{job_name: }]\n", "p.yml:1:18: scrape config: the key \"job_name\" is missing"),
      (
        "scrape_configs: [{job_name: a}, {job_name: a}]\n",
        "p.yml:1:1: the configuration: two scrape configs have the job_name a"
      ),
      (
        "scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: [http://x:1/y]\n",
        "p.yml:3:3: scrape config: \"http://x:1/y\" is not a valid hostname"
      ),
      (
        "scrape_configs:\n- job_name: a\n  bearer_token: x\n  basic_auth: {username: y}\n",
        "p.yml:3:3: scrape config: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured"
      ),
      (
        "scrape_configs: [{job_name: a, relabel_configs: [{regex: '(('}]}]\n",
        "p.yml:1:58: regex: error parsing regexp: missing closing ): `((`"
      ),
      (
        "scrape_configs: [{job_name: a, relabel_configs: [{action: replce, target_label: b}]}]\n",
        "p.yml:1:51: relabelling rule: unknown relabel action \"replce\""
      ),
      ("remote_write: [{url: 'http://a b'}]\n", "p.yml:1:22: url: \"http://a b\" (expected a URL)"),
      ("a: 1\na: 2\n", "p.yml:2:1: the key \"a\" is already given at 1:1"),
    ])
  func places(text: String, line: String) {
    #expect(lines(text) == [line])
  }

  @Test("all errors are listed in the order of the file, the first twenty by name")
  func many() {
    #expect(
      lines("apus: {limits: {x: 1}}\nglobal:\n  scrape_interval: a\n  scrape_timeout: b\n").map { $0.prefix(10) }
        == ["p.yml:1:17", "p.yml:3:20", "p.yml:4:19"])
    let text = "global:\n" + (1...50).map { "  x\($0): 1\n" }.joined()
    let lines = lines(text)
    #expect(lines.count == 21)
    #expect(lines[19].hasPrefix("p.yml:21:3:"))
    #expect(lines[20] == "p.yml: and 30 more errors")
  }

  @Test(
    "relabelling rules hold to Prometheus's conditions",
    arguments: [
      ("{}", "relabel configuration for replace action requires 'target_label' value"),
      ("{action: hashmod, target_label: a}", "relabel configuration for hashmod requires non-zero modulus"),
      (
        "{action: keepequal, source_labels: [a]}",
        "relabel configuration for keepequal action requires 'target_label' value"
      ),
      (
        "{action: dropequal, source_labels: [a], target_label: b, regex: c}",
        "dropequal action requires only 'source_labels' and `target_label`, and no other fields"
      ),
      (
        "{action: labeldrop, source_labels: [a], regex: b}",
        "labeldrop action requires only 'regex', and no other fields"
      ),
      (
        "{action: labeldrop, source_labels: [], regex: b}",
        "labeldrop action requires only 'regex', and no other fields"
      ),
      (
        "{action: lowercase, target_label: a, replacement: b}", "'replacement' can not be set for lowercase action"
      ),
      ("{action: labelmap, replacement: ''}", "\"\" is invalid 'replacement' for labelmap action"),
      ("{action: '', target_label: a}", "relabel action cannot be empty"),
      ("{action: Keep, source_labels: [a], regex: b}", ""),
      ("{action: labeldrop, regex: a, separator: ;}", ""),
      ("{action: keepequal, source_labels: [a], target_label: b}", ""),
      ("{target_label: a, replacement: 5, source_labels: [1]}", ""),
    ])
  func relabelling(rule: String, message: String) {
    let lines = lines("apus:\n  write_relabel_configs:\n  - \(rule)\n")
    #expect(
      lines.map { $0.split(separator: ": ", maxSplits: 2).last.map(String.init) ?? "" }
        == (message.isEmpty ? [] : [message]))
  }

  @Test(
    "names that are kept are one expression, which must not be too large as a whole", arguments: ["", "  - id: a\n"])
  func keptNames(entry: String) {
    func text(_ count: Int) -> String {
      let rules = (0..<count).map { "{from: 'x\($0)[α-ω]{900}', to: y, keep: true}" }.joined(separator: ", ")
      let rename = "rename: [\(rules)]\n"
      return "apus:\n" + (entry.isEmpty ? "  " + rename : "  workspaces:\n" + entry + "    " + rename)
    }
    #expect(lines(text(2)) == [])
    let found = lines(text(200))
    #expect(found.count == 1)
    let place = entry.isEmpty ? "p.yml:2:3: apus" : "p.yml:4:5: workspace"
    #expect(found.first?.hasPrefix("\(place): the rules of rename cannot be applied together: ") == true, "\(found)")
  }

  @Test("a file that cannot be read is one line")
  func unreadable() throws {
    func line(_ path: String) -> String {
      do throws(ConfigurationErrors) {
        _ = try ConfigurationFile.load(path: path, environment: [:])
        return ""
      } catch { return error.description }
    }
    #expect(line("/nonexistent/p.yml") == "/nonexistent/p.yml: No such file or directory")
    #expect(line("/") == "/: Is a directory")
    #expect(line("/dev/zero") == "/dev/zero: the file is longer than 33554432 bytes")
  }

  @Test("the built-in default stands in only for a file that was not asked for")
  func missingDefault() throws {
    try withTemporaryDirectory { directory in
      var options = try options([])
      options.configFile = directory + "/prometheus.yml"
      #expect(try ConfigurationFile.load(options, environment: [:]).warnings.isEmpty)
      options.isConfigFileGiven = true
      #expect(throws: ConfigurationErrors.self) { try ConfigurationFile.load(options, environment: [:]) }
      options.isConfigFileGiven = false
      try write("global: {scrape_interval: 7s}", to: options.configFile)
      #expect(
        try ConfigurationFile.load(options, environment: [:]).document.section("global")?
          .milliseconds("scrape_interval") == 7000)
      try write("bad: [", to: options.configFile)
      #expect(throws: ConfigurationErrors.self) { try ConfigurationFile.load(options, environment: [:]) }
    }
  }

  @Test("a file has a summary, or all its errors")
  func checkConfig() throws {
    try withTemporaryDirectory { directory in
      let file = directory + "/p.yml"
      try write("rule_files: [a.yml, b.yml]\n", to: file)
      let configuration = try ConfigurationFile.load(path: file, environment: [:])
      #expect(CheckConfig.summary(configuration, file: file) == "\(file) is valid\n  rule_files: 2")
      try write("a: 1\nb: 2\n", to: file)
      do {
        _ = try ConfigurationFile.load(path: file, environment: [:])
        Issue.record("two unknown keys are taken")
      } catch {
        #expect(
          "\(error)"
            == "\(file):1:1: unknown key \"a\" in the configuration\n\(file):2:1: unknown key \"b\" in the configuration"
        )
      }
    }
  }
}
