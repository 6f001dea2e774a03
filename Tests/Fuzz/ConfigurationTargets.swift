import Format
import Glibc
import Model

@testable import apus

// What an operator writes: the configuration file, its relabelling rules, the arguments.
extension FuzzTarget {
  static let operators = [configuration, relabelling, arguments]

  /// What is taken is printed, and taken again; what is refused is so at a place inside the file.
  private static let configuration = FuzzTarget(name: "configuration", seeds: { configurations }) { bytes in
    let file = Array(bytes)
    do throws(ConfigurationErrors) {
      let configuration = try Configuration.read(file, file: "f", environment: ["A": "b"])
      let printed = configuration.text
      // Dollars would be expanded once more.
      if printed.contains("$") { return }
      guard let again = try? Configuration.read(Array(printed.utf8), file: "f") else {
        preconditionFailure("what is printed is not taken: \(printed)")
      }
      // Secrets are printed as such.
      if printed.contains("<secret>") || printed.contains("xxxxx") { return }
      precondition(again.text == printed, "\(printed) is printed as \(again.text)")
      precondition(again.workspaces.map(\.id) == configuration.workspaces.map(\.id), "others: \(printed)")
      for (settings, read) in zip(configuration.workspaces, again.workspaces) {
        precondition(read.rules == settings.rules, "the rules are others: \(printed)")
        precondition(read.ingest == settings.ingest && read.ha == settings.ha && read.otlp == settings.otlp, printed)
        precondition(read.database.head.limits == settings.database.head.limits, printed)
        precondition((try? Relabelling(settings.rules.rules)) != nil, "a rule that was taken does not compile")
      }
    } catch {
      // YAML has more line ends than one.
      precondition(!error.faults.isEmpty && error.lines.count <= ConfigurationErrors.listedMax + 1)
      for fault in error.faults { precondition(fault.position.line >= 1 && fault.position.line <= file.count + 1) }
    }
  }

  private static var configurations: [[UInt8]] {
    let document = """
      global:
        scrape_interval: 15s
        external_labels: {a: "x-${A}", b: 'c'}
      scrape_configs:
        - job_name: node
          static_configs: [{targets: ["a:9100"], labels: {l: v}}]
          relabel_configs: [{source_labels: [a, b], regex: "(.*);x", target_label: c, replacement: $1}]
      remote_write:
        - url: http://u:p@h/w
          queue_config: {capacity: 10}
      storage:
        tsdb: {out_of_order_time_window: 1h, retention: {time: 15d, size: 1GB}}
        exemplars: {max_exemplars: 5}
      apus:
        limits: {max_active_series: 5, label_sets: [{labels: {a: b}, max_series: 1}]}
        ha: {enabled: true, cluster_label: c, replica_label: r, failover_timeout: 30s}
        retention_rules: [{selector: '{a="b"}', retention: 1d}]
        rename: [{from: a.*, to: b, keep: true}]
        write_relabel_configs: [{action: hashmod, source_labels: [a], modulus: 7, target_label: m}]
        create_workspaces_on_write: true
        workspaces:
        - {id: ws-1, alias: A, limits: {max_active_series: 7}, ha: {enabled: false}, retention: {time: 1h, size: 0B}}
        - {id: b, otlp: {translation_strategy: NoTranslation}, out_of_order_time_window: 1h, exemplars: {max_exemplars: 1}}
      """
    // In parts as well: small inputs are tried more often.
    let sections = document.split(separator: "\n").reduce(into: [[Substring]]()) { parts, line in
      if line.first == " ", !parts.isEmpty { parts[parts.count - 1].append(line) } else { parts.append([line]) }
    }
    return ([document] + sections.map { $0.joined(separator: "\n") }).map { Array($0.utf8) }
  }

  /// Lines: action, regex, replacement, target, separator, modulus, source labels; then the next rule.
  private static let relabelling = FuzzTarget(
    name: "relabelling",
    seeds: {
      texts(
        "replace\n(.*)-(x.*)\n$1_${2}\nb\n;\n0\njob,zone\n",
        "labelmap\nz(.+)\ny$1\n\n;\n0\n\nlabeldrop\njob\n$1\n\n;\n0\n\n",
        "hashmod\n(.*)\n$1\nm\n;\n7\njob\nkeep\n[0-3]\n$1\n\n;\n0\nm\n", "uppercase\n(.*)\n$1\n__name__\n;\n0\njob\n")
    }
  ) { bytes in
    var input = FuzzInput(bytes)
    var rules: [RelabelRule] = []
    while !input.isEmpty && rules.count < 8 {
      guard let action = RelabelRule.Action(rawValue: input.line()) else { return }
      var rule = RelabelRule(action)
      rule.regex = input.line()
      rule.replacement = input.line()
      rule.targetLabel = input.line()
      rule.separator = input.line()
      rule.modulus = UInt64(input.line()) ?? 0
      rule.sourceLabels = input.line().split(separator: ",").map(String.init)
      if rule.violation() != nil { continue }
      rules.append(rule)
    }
    guard let relabelling = try? Relabelling(rules) else { return }
    let labels = Labels([("__name__", "up"), ("job", "a-xb"), ("zone", "é")])
    guard let made = relabelling.apply(to: labels) else { return }
    precondition(relabelling.apply(to: labels) == made)
    // A name may be empty, as in Prometheus; the receiver refuses such a series.
    precondition(made.pairs.allSatisfy { !$0.value.isEmpty }, "an empty value")
    let names = made.pairs.map { Array($0.name.utf8) }
    precondition(zip(names, names.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }, "labels out of order")
    // Rules by one another are rules one after the other.
    var step: Labels? = labels
    for rule in rules { step = step.flatMap { labels in (try? Relabelling([rule]))?.apply(to: labels) } }
    precondition(step == made, "the rules together do something else")
  }

  /// One argument a line.
  private static let arguments = FuzzTarget(
    name: "arguments",
    seeds: {
      texts(
        "--web.listen-address=:9090\n--storage.tsdb.retention.time=15d\n--storage.tsdb.retention.size=1GB",
        "serve\n--config.file\na.yml\n--enable-feature=exemplar-storage,native-histograms\n--web.external-url=http://a/b/",
        "tsdb\nanalyze\n--limit=5\ndata", "check\nconfig\nf", "help\nserve", "--log.level=debug\n--web.cors.origin=.*")
    }
  ) { bytes in
    let lines = bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    do throws(ArgumentError) {
      _ = try Command.parse(lines)
    } catch {
      precondition(!error.description.isEmpty)
    }
  }
}
