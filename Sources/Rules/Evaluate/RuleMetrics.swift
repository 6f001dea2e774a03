import Platform

/// The metrics of rules that belong to no group, `prometheus_rule_*`, with Prometheus's names and help texts. Any thread.
package final class RuleMetrics: Sendable {
  private static let bounds = [0.01, 0.1, 1, 10]

  private let evaluationSummary: SummaryMetric
  private let evaluationHistogram: HistogramMetric
  private let groupSummary: SummaryMetric
  private let groupHistogram: HistogramMetric
  let expansions: Counter
  let failedExpansions: Counter

  package init(_ registry: MetricsRegistry, clock: any Clock) {
    evaluationSummary = registry.summary(
      "prometheus_rule_evaluation_duration_seconds", "The duration for a rule to execute.", clock: clock)
    evaluationHistogram = registry.histogram(
      "prometheus_rule_evaluation_duration_histogram_seconds", "The duration for a rule to execute.",
      upperBounds: Self.bounds)
    groupSummary = registry.summary(
      "prometheus_rule_group_duration_seconds", "The duration of rule group evaluations.",
      quantiles: [0.01, 0.05, 0.5, 0.9, 0.99], clock: clock)
    groupHistogram = registry.histogram(
      "prometheus_rule_group_duration_histogram_seconds", "The duration of rule group evaluations.",
      upperBounds: Self.bounds)
    expansions = registry.counter(
      "prometheus_template_text_expansions_total", "The total number of template text expansions.")
    failedExpansions = registry.counter(
      "prometheus_template_text_expansion_failures_total", "The total number of template text expansion failures.")
  }

  func noteRule(seconds: Double) {
    evaluationSummary.observe(seconds)
    evaluationHistogram.observe(seconds)
  }

  func noteGroup(seconds: Double) {
    groupSummary.observe(seconds)
    groupHistogram.observe(seconds)
  }
}

/// The counters of one group; a reload that changes the group goes on counting. Any thread.
final class RuleGroupCounters: Sendable {
  let iterations = Counter()
  let missed = Counter()
  /// Missed iterations whose recording rules were evaluated afterwards.
  let recovered = Counter()
  let evaluations = Counter()
  let failures = Counter()
  let lastRestoreSeconds = Gauge()
}

/// Tells the metrics of groups, read when they are asked for: they come and go with their groups.
enum RuleGroupFamilies {
  typealias Member = (group: RuleGroup, counters: RuleGroupCounters)

  static func read(_ members: [Member]) -> [MetricFamily] {
    let shown = members.map { ($0.group.definition.key, $0.counters, $0.group.facts, $0.group) }
    func family(
      _ name: String, _ help: String, _ kind: MetricKind,
      _ value: (RuleGroupCounters, RuleGroupFacts, RuleGroup) -> Double
    ) -> MetricFamily {
      MetricFamily(
        name: name, help: help, kind: kind,
        samples: shown.map { key, counters, facts, group in
          MetricSample(name: name, labels: [("rule_group", key)], value: value(counters, facts, group))
        })
    }
    return [
      family(
        "prometheus_rule_group_iterations_total",
        "The total number of scheduled rule group evaluations, whether executed or missed.", .counter
      ) { counters, _, _ in Double(counters.iterations.value) },
      family(
        "prometheus_rule_group_iterations_missed_total",
        "The total number of rule group evaluations missed due to slow rule group evaluation.", .counter
      ) { counters, _, _ in Double(counters.missed.value) },
      family(
        "apus_rule_group_iterations_recovered_total",
        "The total number of missed rule group evaluations whose recording rules were evaluated afterwards.", .counter
      ) { counters, _, _ in Double(counters.recovered.value) },
      family("prometheus_rule_evaluations_total", "The total number of rule evaluations.", .counter) { counters, _, _ in
        Double(counters.evaluations.value)
      },
      family("prometheus_rule_evaluation_failures_total", "The total number of rule evaluation failures.", .counter) {
        counters, _, _ in Double(counters.failures.value)
      },
      family("prometheus_rule_group_interval_seconds", "The interval of a rule group.", .gauge) { _, _, group in
        Double(group.intervalMilliseconds) / 1000
      },
      family(
        "prometheus_rule_group_last_evaluation_timestamp_seconds",
        "The timestamp of the last rule group evaluation in seconds.", .gauge
      ) { _, facts, _ in facts.startedAt.map { Double($0) / 1000 } ?? 0 },
      family("prometheus_rule_group_last_duration_seconds", "The duration of the last rule group evaluation.", .gauge) {
        _, facts, _ in facts.seconds
      },
      family(
        "prometheus_rule_group_last_rule_duration_sum_seconds",
        "The sum of time in seconds it took to evaluate each rule in the group regardless of concurrency. This should be higher than the group duration if rules are evaluated concurrently.",
        .gauge
      ) { _, facts, _ in facts.ruleSecondsSum },
      family(
        "prometheus_rule_group_last_restore_duration_seconds",
        "The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series.", .gauge
      ) { counters, _, _ in counters.lastRestoreSeconds.value },
      family("prometheus_rule_group_rules", "The number of rules.", .gauge) { _, _, group in
        Double(group.definition.rules.count)
      },
      family(
        "prometheus_rule_group_last_evaluation_samples",
        "The number of samples returned during the last rule group evaluation.",
        .gauge
      ) { _, facts, _ in Double(facts.samples) },
    ]
  }
}
