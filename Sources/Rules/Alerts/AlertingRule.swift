import Format
import Model
import PromQL

/// A rule that makes alerts: its definition, its templates, its table. A value; the group that has it changes it, on one
/// thread at a time.
package struct AlertingRule: Sendable {
  package private(set) var definition: RuleDefinition
  /// The expression as Prometheus prints it; as written where it is none.
  package let query: String
  package internal(set) var table: AlertTable
  private let labels: [AlertText]
  private let annotations: [AlertText]
  /// The labels of the last round's results and of the alerts made of them, by their places: nearly always the next round has
  /// the same. Kept where no label is a template.
  private var known: [(result: Labels, alert: Labels)] = []
  private let keepsLabels: Bool

  /// `limit`: that of the group; `query`: nil, as written. A text that is no template, as labels of groups may be, shows the
  /// error in its place in each round.
  package init(_ definition: RuleDefinition, limit: Int, query: String? = nil) {
    let terms = definition.alert ?? .init()
    self.definition = definition
    self.query = query ?? definition.expression
    table = AlertTable(
      AlertTable.Terms(
        holdMilliseconds: terms.holdMilliseconds, keepFiringMilliseconds: terms.keepFiringMilliseconds, limit: limit))
    labels = definition.labels.map { AlertText($0, ofAlert: definition.name) }
    annotations = terms.annotations.map { AlertText($0, ofAlert: definition.name) }
    keepsLabels = labels.allSatisfy(\.isPlain)
  }

  // MARK: rounds

  /// Takes the results of the expression at `time - offset`. `query` answers the `query` of templates. A failure changes no
  /// state, but for the limit, which drops all alerts; it stores nothing.
  package mutating func evaluate(
    _ results: [VectorSample], at time: Int64, offset: Int64, options: RuleOptions,
    query: @escaping @Sendable (_ expression: String, _ time: Int64) throws(QueryError) -> [VectorSample]
  ) throws(RuleError) -> AlertEvaluation {
    var evaluation = AlertEvaluation()
    var context = TemplateContext()
    context.externalLabels = options.externalLabels
    context.externalURL = options.externalURL
    context.time = time
    let queries = AlertQueries(query)
    context.query = { (expression, time) throws(QueryError) in try queries.answer(expression, time) }
    var findings: [AlertTable.Finding] = []
    findings.reserveCapacity(results.count)
    for (place, result) in results.enumerated() {
      context.labels = result.labels
      context.value = result.value
      findings.append(finding(result, place, context, &evaluation))
    }
    keep(results, findings)
    try table.apply(findings, at: time)
    evaluation.samples = table.series(at: time - offset)
    return evaluation
  }

  private func finding(
    _ result: VectorSample, _ place: Int, _ context: TemplateContext, _ evaluation: inout AlertEvaluation
  ) -> AlertTable.Finding {
    let isKnown = place < known.count && known[place].result == result.labels
    let identity = isKnown ? known[place].alert : identify(result.labels, context, &evaluation)
    let texts = annotations.map { (name: $0.name, value: $0.expand(context, &evaluation)) }
    // Prometheus's alerts have a number: of a histogram it is zero.
    let value: SampleValue = if case .float = result.value { result.value } else { .float(0) }
    return AlertTable.Finding(labels: identity, annotations: Labels(annotations: texts), value: value)
  }

  private func identify(
    _ result: Labels, _ context: TemplateContext, _ evaluation: inout AlertEvaluation
  ) -> Labels {
    var builder = LabelsBuilder(result)
    builder.remove(LabelName.metric)
    for text in labels { builder.set(text.name, text.expand(context, &evaluation)) }
    builder.set(LabelName.alert, definition.name)
    return builder.labels()
  }

  private mutating func keep(_ results: [VectorSample], _ findings: [AlertTable.Finding]) {
    let isSame = known.count == results.count && known.indices.allSatisfy { known[$0].result == results[$0].labels }
    if !keepsLabels || isSame { return }
    known = results.indices.map { (results[$0].labels, findings[$0].labels) }
  }

  // MARK: telling

  /// The alerts that are to be told after a round. After a failed one these are those of the rounds before, so that nobody
  /// takes an alert for resolved because nothing is known of it; none where the options say so.
  package mutating func notices(
    at time: Int64, intervalMilliseconds: Int64, options: RuleOptions, isFailing: Bool = false
  ) -> [AlertNotice] {
    if isFailing && !options.holdsAlertsOnFailure { return [] }
    let page = { [query] in AlertingRule.page(of: query, options) }
    return table.due(
      at: time, intervalMilliseconds: intervalMilliseconds, resendMilliseconds: options.resendMilliseconds,
      generatorURL: page())
  }

  /// The last words of a rule that is taken away: what fires is resolved at once. None where the options say so.
  package func resolutions(at time: Int64, options: RuleOptions) -> [AlertNotice] {
    options.resolvesRemovedAlerts
      ? table.resolutions(at: time, generatorURL: AlertingRule.page(of: query, options)) : []
  }

  /// The page that shows an expression as a table.
  static func page(of query: String, _ options: RuleOptions) -> String {
    "\(options.externalURL)/graph?g0.expr=\(PercentText.encodeForm(query))&g0.tab=1"
  }

  // MARK: reloads

  /// Takes the alerts of the rule that had this one's place before a reload: same name, same labels.
  package mutating func adopt(_ old: AlertingRule) {
    let terms = table.terms
    table = old.table
    table.terms = terms
  }
}

/// The outcome of a round of an alerting rule. A value.
package struct AlertEvaluation: Sendable {
  /// Different template errors that are kept.
  package static let templateErrorsMax = 10

  /// `ALERTS` and `ALERTS_FOR_STATE`, to be stored; no stale markers among them.
  package var samples: [VectorSample] = []
  /// The first different ones. Their alerts have the error's text in place of the field.
  package private(set) var templateErrors: [TemplateError] = []
  /// All texts that were expanded from templates, and those that failed.
  package private(set) var expansions = 0
  package private(set) var failedExpansions = 0

  mutating func count(_ error: TemplateError?) {
    expansions += 1
    guard let error else { return }
    failedExpansions += 1
    if templateErrors.count < AlertEvaluation.templateErrorsMax && !templateErrors.contains(error) {
      templateErrors.append(error)
    }
  }
}
