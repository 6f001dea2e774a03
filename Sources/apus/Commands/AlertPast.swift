import Model
import PromQL
import Rules

/// The firings of one alerting rule over the past, round by round, by the same state machine that the server has. One owner.
struct AlertPast {
  /// A time for which an alert fired.
  struct Firing {
    var labels: Labels
    /// Milliseconds; `end` is the round in which it was resolved, or the last one.
    var start: Int64
    var end: Int64
    /// True for one that fires in the last round.
    var isOpen = false

    func overlaps(_ other: Firing) -> Bool {
      labels == other.labels && start <= other.end && other.start <= end
    }
  }

  /// The most firings that are kept; further ones are counted.
  static let firingsMax = 100_000

  private var rule: AlertingRule
  private let step: Int64
  private var open: [Labels: Int64] = [:]
  private var pending: Set<Labels> = []
  private var lastRound: Int64 = 0
  private(set) var firings: [Firing] = []
  /// Firings, kept or not, their time and that of the longest one in milliseconds.
  private var firingCount = 0
  private var firingMilliseconds: Int64 = 0
  private var longestMilliseconds: Int64 = 0
  /// Times that an alert was pending and did not come to fire.
  private var falseStarts = 0
  private var failedRounds = 0
  /// The first reason why a round failed.
  private(set) var failure: String?
  private var series: Set<Labels> = []

  init(_ definition: RuleDefinition, limit: Int, step: Int64) {
    var definition = definition
    // Nobody reads them here.
    if var terms = definition.alert {
      terms.annotations = []
      definition.kind = .alerting(terms)
    }
    rule = AlertingRule(definition, limit: limit)
    self.step = step
  }

  /// Takes the results of a part of the past, whose rounds follow those before.
  mutating func take(_ series: [RangeQuery.Series], from first: Int64, through last: Int64) {
    let count = Int((last - first) / step) + 1
    var rounds = [[VectorSample]](repeating: [], count: count)
    for part in series {
      for sample in part.samples {
        let round = Int((sample.time - first) / step)
        if !rounds.indices.contains(round) { continue }
        rounds[round].append(VectorSample(labels: part.labels, timestamp: sample.time, value: sample.value))
      }
    }
    for (number, results) in rounds.enumerated() { evaluate(results, at: first + Int64(number) * step) }
  }

  private mutating func evaluate(_ results: [VectorSample], at time: Int64) {
    lastRound = time
    if results.isEmpty && rule.table.alerts.isEmpty { return }
    do throws(RuleError) {
      _ = try rule.evaluate(results, at: time, offset: 0, options: RuleOptions()) { _, _ in [] }
    } catch {
      failedRounds += 1
      if failure == nil { failure = error.description }
    }
    var waiting: Set<Labels> = []
    var firing: Set<Labels> = []
    for alert in rule.table.alerts {
      switch alert.state {
      case .pending: waiting.insert(alert.labels)
      case .firing:
        firing.insert(alert.labels)
        if open[alert.labels] == nil { open[alert.labels] = time }
      case .inactive: break
      }
    }
    falseStarts += pending.count { !waiting.contains($0) && !firing.contains($0) }
    pending = waiting
    for (labels, start) in open where !firing.contains(labels) {
      open[labels] = nil
      add(Firing(labels: labels, start: start, end: time))
    }
  }

  /// Ends what still fires.
  mutating func finish() {
    for (labels, start) in open { add(Firing(labels: labels, start: start, end: lastRound, isOpen: true)) }
    open = [:]
    firings.sort { ($0.start, $0.labels) < ($1.start, $1.labels) }
  }

  private mutating func add(_ firing: Firing) {
    firingCount += 1
    firingMilliseconds += firing.end - firing.start
    longestMilliseconds = max(longestMilliseconds, firing.end - firing.start)
    series.insert(firing.labels)
    if firings.count < AlertPast.firingsMax { firings.append(firing) }
  }

  /// How often and how long.
  var summary: String {
    var text = "never fired"
    if firingCount > 0 {
      text =
        "\(TSDBText.count(firingCount, "firing")) of \(TSDBText.count(series.count, "alert")), \(DurationText.format(firingMilliseconds)) in all, "
        + "the longest \(DurationText.format(longestMilliseconds))"
    }
    if falseStarts > 0 { text += "; \(TSDBText.count(falseStarts, "time")) pending without firing" }
    if failedRounds > 0 { text += "; \(TSDBText.count(failedRounds, "round")) failed" }
    return text
  }
}
