import Model
import Platform
import PromQL
import Rules

/// `apus rules backtest`: when alerts would have fired.
struct RuleBacktest: Sendable {
  var rules: PastRules
  var candidates: [String]
  /// Firings that are printed of one rule.
  var firingsMax: Int

  static let sinceDefault: Int64 = 30 * 86_400_000
  static let firingsMaxDefault: Int64 = 20

  init(_ words: TSDBWords, now: Int64) throws(ArgumentError) {
    let end = try PastRules.time("end", words) ?? now
    var since = RuleBacktest.sinceDefault
    if let text = words.text("since") {
      guard let value = DurationText.parse(text), value > 0 else {
        throw ArgumentError("--since: \(quoted(text)) is no duration, such as 30d")
      }
      if words.text("start") != nil { throw ArgumentError("--since and --start exclude each other") }
      since = value
    }
    rules = try PastRules(words, start: try PastRules.time("start", words) ?? end - since, end: end)
    candidates = words.all("candidate")
    firingsMax = try words.integer("limit", preset: RuleBacktest.firingsMaxDefault)
  }

  /// An alert of a group, in the present files, the candidates, or both.
  private struct Pair {
    var title: String
    var present: (RuleGroupDefinition, RuleDefinition)?
    var candidate: (RuleGroupDefinition, RuleDefinition)?
  }

  func run(_ output: CommandOutput) throws(TSDBCommandError) -> Int32 {
    let present = RuleBacktest.alerts(try rules.groups(rules.files))
    let others = RuleBacktest.alerts(try rules.groups(candidates))
    if present.isEmpty && others.isEmpty { throw .text("the files have no alerts") }
    var code: Int32 = 0
    output.line("\(TimeText.text(milliseconds: rules.start)) to \(TimeText.text(milliseconds: rules.end))")
    for pair in RuleBacktest.pairs(present, others) {
      output.line("\n" + pair.title)
      do throws(TSDBCommandError) {
        let now = try pair.present.map { (alert) throws(TSDBCommandError) in try past(of: alert) }
        let then = try pair.candidate.map { (alert) throws(TSDBCommandError) in try past(of: alert) }
        print(now, then, output)
      } catch {
        code = 1
        output.flush()
        writeToStandardError("apus rules backtest: \(pair.title): \(error)")
      }
      output.flush()
    }
    return code
  }

  private static func alerts(
    _ groups: [RuleGroupDefinition]
  ) -> [(title: String, (RuleGroupDefinition, RuleDefinition))] {
    var counts: [String: Int] = [:]
    return groups.flatMap { group in
      group.rules.filter { $0.alert != nil }.map { rule in
        let title = "group \(quoted(group.name)), alert \(rule.name)"
        let count = counts[title, default: 0] + 1
        counts[title] = count
        return (count == 1 ? title : "\(title), the \(count). of this name", (group, rule))
      }
    }
  }

  /// The alerts of the same group and name side by side, in the order of the files.
  private static func pairs(
    _ present: [(title: String, (RuleGroupDefinition, RuleDefinition))],
    _ others: [(title: String, (RuleGroupDefinition, RuleDefinition))]
  ) -> [Pair] {
    var pairs = present.map { Pair(title: $0.title, present: $0.1) }
    var places = Dictionary(pairs.enumerated().map { ($1.title, $0) }) { first, _ in first }
    for (title, alert) in others {
      if let place = places[title] {
        pairs[place].candidate = alert
      } else {
        places[title] = pairs.count
        pairs.append(Pair(title: title, candidate: alert))
      }
    }
    return pairs
  }

  // MARK: the past of one alert

  private func past(of alert: (group: RuleGroupDefinition, rule: RuleDefinition)) throws(TSDBCommandError) -> AlertPast
  {
    let interval = alert.group.intervalMilliseconds ?? rules.intervalMilliseconds
    var past = AlertPast(alert.rule, limit: alert.group.limit, step: interval)
    try rules.query.run(
      alert.rule.expression, from: rules.first(interval), through: rules.end, step: interval
    ) { first, last, series in past.take(series, from: first, through: last) }
    past.finish()
    return past
  }

  // MARK: printing

  private func print(_ now: AlertPast?, _ then: AlertPast?, _ output: CommandOutput) {
    if candidates.isEmpty || then == nil {
      if let now { output.line((candidates.isEmpty ? "  " : "  present: ") + now.summary) }
      if !candidates.isEmpty { output.line("  candidate: no such alert") }
    } else {
      output.line(now.map { "  present: " + $0.summary } ?? "  present: no such alert")
      if let then { output.line("  candidate: " + then.summary) }
    }
    for failure in Set([now, then].compactMap { $0?.failure }).sorted() { output.line("  round failed: \(failure)") }
    var lines: [(firing: AlertPast.Firing, mark: String)] = []
    let isCompared = !candidates.isEmpty
    for firing in now?.firings ?? [] {
      let stays = then?.firings.contains { $0.overlaps(firing) } ?? false
      lines.append((firing, isCompared && !stays ? "-" : " "))
    }
    for firing in then?.firings ?? [] where !(now?.firings.contains { $0.overlaps(firing) } ?? false) {
      lines.append((firing, "+"))
    }
    lines.sort { $0.firing.start < $1.firing.start }
    for line in lines.prefix(firingsMax) {
      let firing = line.firing
      let end = firing.isOpen ? "still firing          " : TimeText.text(milliseconds: firing.end)
      output.line(
        " \(line.mark) \(TimeText.text(milliseconds: firing.start)) \(end) "
          + "\(DurationText.format(firing.end - firing.start)) \(firing.labels)")
    }
    if lines.count > firingsMax { output.line("   and \(lines.count - firingsMax) more (--limit)") }
  }
}
