import Format
import Model
import PromQL

/// Runs one test: its rules round by round over its series, then its expressions. One per test, used once.
package struct UnitTestRun {
  /// The most rounds of a test: at one a minute nearly four years.
  package static let roundsMax: Int64 = 2_000_000

  private let test: UnitTest
  private let file: UnitTestFile
  private let groups: [RuleGroup]
  private let database: UnitTestDatabase
  private let parsed: [Result<SeriesNotation, ParseError>]
  private var faults: [UnitTestFault] = []
  /// Texts about possible mistakes of the test.
  package private(set) var warnings: [String] = []
  /// Alerts of which a warning says that a template fails.
  private var warned: Set<String> = []

  /// `groups` in the order of evaluation, over `database`.
  package init(
    _ test: UnitTest, of file: UnitTestFile, groups: [RuleGroup], database: UnitTestDatabase
  ) {
    self.test = test
    self.file = file
    self.groups = groups
    self.database = database
    parsed = test.series.map { input in
      Result { () throws(ParseError) in try SeriesNotation.parse("\(input.series) \(input.values)") }
    }
  }

  private var interval: Int64 { test.intervalMilliseconds ?? file.intervalMilliseconds }

  /// Everything that is not as expected; empty: the test passes.
  package mutating func run() -> [UnitTestFault] {
    if let fault = refusal { return [fault] }
    let series = parsed.compactMap { try? $0.get() }
    var seen: Set<Labels> = []
    for one in series where !seen.insert(one.labels).inserted {
      warnings.append("the series \(UnitTestText.labels(one.labels)) is given more than once: the last one counts")
    }
    var feed = UnitTestFeed(series, from: test.startTime, interval: interval)
    let cases = test.alertCases.sorted { $0.time < $1.time }
    var open = cases[...]
    var time: Int64 = 0
    while time <= test.lastTime {
      if let refusal = feed.load(through: test.startTime + time, into: database) {
        faults.append(UnitTestFault("    series: \(refusal)"))
        return faults
      }
      if !evaluate(at: time) { return faults }
      while let next = open.first, next.time < time + file.intervalMilliseconds {
        check(next)
        open.removeFirst()
      }
      time += file.intervalMilliseconds
    }
    for next in test.expressionCases { check(next) }
    return faults
  }

  /// The reason why the test cannot be run.
  private var refusal: UnitTestFault? {
    for (input, result) in zip(test.series, parsed) {
      if case .failure(let error) = result {
        return UnitTestFault("    series: \(QuotedText.double(input.series)), err: \(error)", at: input.position)
      }
    }
    for next in test.alertCases where next.alert.isEmpty {
      let time = DurationText.format(next.time)
      let place = test.name.isEmpty ? "" : " (in TestGroup \(test.name))"
      return UnitTestFault(
        "an item under alert_rule_test misses required attribute alertname at eval_time \(time)\(place)",
        at: next.position)
    }
    if test.lastTime / file.intervalMilliseconds >= UnitTestRun.roundsMax {
      return UnitTestFault(
        "    the last eval_time, \(DurationText.format(test.lastTime)), is more than \(UnitTestRun.roundsMax) times "
          + "evaluation_interval (\(DurationText.format(file.intervalMilliseconds))): make that longer",
        at: test.position)
    }
    let slots = (test.lastTime / interval + 1).multipliedReportingOverflow(by: Int64(test.series.count))
    if slots.overflow || slots.partialValue > Int64(UnitTestDatabase.samplesMax) {
      return UnitTestFault(
        "    the series have more than \(UnitTestDatabase.samplesMax) samples up to the last eval_time: make interval "
          + "(\(DurationText.format(interval))) longer", at: test.position)
    }
    return nil
  }

  /// One round of all groups; false where a rule failed, which ends the test.
  private mutating func evaluate(at time: Int64) -> Bool {
    let before = faults.count
    for group in groups {
      group.evaluate(at: test.startTime + time)
      for rule in group.shown.rules {
        noteTemplateFault(rule)
        if rule.health != .err || rule.isTemplateError { continue }
        let text = UnitTestText.time(test.startTime + time)
        faults.append(UnitTestFault("    rule: \(rule.definition.name), time: \(text), err: \(rule.lastError)"))
      }
    }
    return faults.count == before
  }

  private static let templateFaultInText = "<error expanding template: "

  /// Warns, once for each rule, of a template that fails: the alert lives, with the error in the place of the text.
  private mutating func noteTemplateFault(_ rule: RuleView) {
    if rule.alerts.isEmpty || warned.contains(rule.definition.name) { return }
    for alert in rule.alerts {
      let texts = (alert.annotations.pairs + alert.labels.pairs).map(\.value)
      guard let text = texts.first(where: { $0.hasPrefix(UnitTestRun.templateFaultInText) }) else { continue }
      warned.insert(rule.definition.name)
      warnings.append("alert \(rule.definition.name): \(text)")
      return
    }
  }

  private mutating func check(_ next: UnitTestAlertCase) {
    let rules = groups.flatMap(\.shown.rules).filter { $0.definition.alert != nil && $0.definition.name == next.alert }
    let got = rules.flatMap(\.alerts).filter { $0.state == .firing }
      .map { ExpectedAlert(labels: $0.labels, annotations: $0.annotations) }.sorted(by: UnitTestRun.isBefore)
    let expected = next.expected.map { alert in
      ExpectedAlert(
        labels: Labels(alert.labels.pairs + [(name: LabelName.alert, value: next.alert)]),
        annotations: alert.annotations)
    }.sorted(by: UnitTestRun.isBefore)
    if got == expected { return }
    let name = test.name.isEmpty ? "" : "    name: \(test.name),\n"
    let margin = "            "
    var fault = UnitTestFault(
      "\(name)    alertname: \(next.alert), time: \(DurationText.format(next.time)), \n"
        + "        exp:\(UnitTestText.indented(UnitTestText.alerts(expected), by: margin)), \n"
        + "        got:\(UnitTestText.indented(UnitTestText.alerts(got), by: margin))", at: next.position)
    fault.differences = UnitTestComparison.alerts(expected, got)
    if rules.isEmpty { fault.differences.append("no rule of the files makes an alert \(next.alert)") }
    fault.diff = UnitTestComparison.diff(UnitTestComparison.lines(expected), UnitTestComparison.lines(got))
    faults.append(fault)
  }

  private static func isBefore(_ one: ExpectedAlert, _ two: ExpectedAlert) -> Bool {
    one.labels == two.labels ? one.annotations < two.annotations : one.labels < two.labels
  }

  private mutating func check(_ next: UnitTestExpressionCase) {
    let head = "    expr: \(QuotedText.double(next.expression)), time: \(DurationText.format(next.time)),"
    do throws(RuleError) {
      let got = try answer(next).sorted { $0.labels < $1.labels }
      let expected = try next.expected.map(UnitTestRun.expected).sorted { $0.labels < $1.labels }
      let isSame =
        got.count == expected.count
        && zip(expected, got).allSatisfy { $0.isEqual(to: $1, isFuzzy: file.isFuzzy) }
      if isSame { return }
      var fault = UnitTestFault(
        "\(head)\n        exp: \(UnitTestText.samples(expected))\n        got: \(UnitTestText.samples(got))",
        at: next.position)
      fault.differences = UnitTestComparison.samples(expected, got, isFuzzy: file.isFuzzy)
      fault.diff = UnitTestComparison.diff(expected.map(\.text), got.map(\.text))
      faults.append(fault)
    } catch {
      faults.append(UnitTestFault("\(head) err: \(error)", at: next.position))
    }
  }

  private func answer(_ next: UnitTestExpressionCase) throws(RuleError) -> [UnitTestSample] {
    let result: QueryResult
    do throws(QueryError) {
      result = try database.instant(next.expression, at: test.startTime + next.time, isCanceled: { false })
    } catch {
      throw RuleError(error.description)
    }
    switch result.value {
    case .scalar(_, let value): return [UnitTestSample(labels: .empty, value: value)]
    case .vector(let samples):
      return samples.map { sample in
        switch sample.value {
        case .float(let value): UnitTestSample(labels: sample.labels, value: value)
        case .histogram(let histogram):
          UnitTestSample(labels: sample.labels, value: 0, histogram: UnitTestRun.text(histogram))
        }
      }
    default: throw RuleError("rule result is not a vector or scalar")
    }
  }

  private static func text(_ histogram: Histogram) -> String {
    SeriesNotation.text(histogram) ?? "{{a histogram of more buckets than can be written}}"
  }

  private static func expected(
    _ sample: UnitTestExpressionCase.Sample
  ) throws(RuleError) -> UnitTestSample {
    func failure(_ what: String) -> RuleError {
      RuleError("labels \(QuotedText.double(sample.labels)): \(what)")
    }
    let labels: Labels
    var series = SeriesNotation(labels: .empty, runs: [])
    do throws(ParseError) {
      labels = try SeriesNotation.parseMetric(sample.labels)
      if !sample.histogram.isEmpty { series = try SeriesNotation.parse("{} " + sample.histogram) }
    } catch {
      throw failure(error.description)
    }
    if sample.histogram.isEmpty { return UnitTestSample(labels: labels, value: sample.value) }
    if series.count != 1 { throw failure("expected 1 value, got \(series.count)") }
    guard case .histogram(let histogram, _, _)? = series.runs.first(where: { $0.count == 1 })?.content else {
      throw failure("expected histogram, got \(sample.histogram)")
    }
    return UnitTestSample(labels: labels, value: 0, histogram: text(histogram))
  }
}
