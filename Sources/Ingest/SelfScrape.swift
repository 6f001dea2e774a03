import Format
import Model
import Platform
import Synchronization

/// Stores the server's own metrics every 15 seconds, as if it scraped itself, so that the first query people run has an
/// answer. Rounds run one after the other; the rows go the way of all others, but for limits, rules and replicas
/// (`RowOrigin.own`).
package final class SelfScrape: Sendable {
  package static let intervalMilliseconds: Int64 = 15_000
  private let task: PeriodicTask

  /// Reports one round: its time, its duration, and the error, if any.
  package typealias Report = @Sendable (_ milliseconds: Int64, _ seconds: Double, _ error: String?) -> Void

  /// The first round is over when this returns. `instance` as a Prometheus would name this server; `report` is called
  /// after each round. While `isCovered`, rounds store nothing: a job scrapes this server.
  package init(
    intake: Intake, registry: MetricsRegistry, instance: String, clock: any Clock, log: Log,
    isCovered: @escaping @Sendable () -> Bool = { false }, report: @escaping Report = { _, _, _ in }
  ) throws(ThreadError) {
    let rounds = SelfScrapeRounds(
      intake, registry, instance: instance, clock, log, isCovered: isCovered, report)
    rounds.scrape()
    task = try PeriodicTask(
      name: "self-scrape", intervalMilliseconds: SelfScrape.intervalMilliseconds, clock: clock
    ) { rounds.scrape() }
  }

  /// Begins a round at once, beside those of every 15 seconds.
  package func scrapeNow() { task.runNow() }

  package func stop() { task.stop() }
}

/// The rounds of one self-scrape. One thread at a time.
private final class SelfScrapeRounds: Sendable {
  private struct Past: Sendable {
    var time = Int64.min
    var error: String?
    /// True if the last round stored something.
    var isStored = false
  }

  private let intake: Intake
  private let registry: MetricsRegistry
  private let instance: String
  private let clock: any Clock
  private let log: Log
  private let isCovered: @Sendable () -> Bool
  private let report: SelfScrape.Report
  private let past = Mutex(Past())

  init(
    _ intake: Intake, _ registry: MetricsRegistry, instance: String, _ clock: any Clock, _ log: Log,
    isCovered: @escaping @Sendable () -> Bool, _ report: @escaping SelfScrape.Report
  ) {
    self.intake = intake
    self.registry = registry
    self.instance = instance
    self.clock = clock
    self.log = log
    self.isCovered = isCovered
    self.report = report
  }

  func scrape() {
    let isCovered = isCovered()
    let ends = past.withLock { past in
      defer { past.isStored = !isCovered }
      return past.isStored && isCovered
    }
    // The series of a round that was stored end with this one.
    if isCovered && !ends { return }
    // Two rounds of one millisecond would be two values for one time.
    let time = past.withLock { past in
      past.time = max(clock.nowMilliseconds(), past.time == .min ? .min : past.time + 1)
      return past.time
    }
    let started = clock.monotonicNanoseconds()
    let target: [(name: String, value: String)] = [("instance", instance), ("job", "apus")]
    var rows = WriteRequestRows()
    func append(_ labels: [(name: String, value: String)], _ value: Double) {
      rows.beginSeries()
      for label in labels { rows.appendLabel(label.name, label.value) }
      rows.appendSample(time: time, value: ends ? StaleMarker.value : value)
      rows.endSeries(intake.key)
    }
    var count = 0
    for family in registry.families() {
      for sample in family.samples {
        append([("__name__", sample.name)] + target + sample.labels, sample.value)
        count += 1
      }
    }
    let seconds = Double(clock.monotonicNanoseconds() - started) / 1e9
    let facts: [(String, Double)] = [
      ("up", 1), ("scrape_duration_seconds", seconds), ("scrape_samples_scraped", Double(count)),
      ("scrape_samples_post_metric_relabeling", Double(count)),
    ]
    for (name, value) in facts { append([("__name__", name)] + target, value) }
    let outcome = intake.append(&rows, .own) { .own("this server's own metrics") }.outcome
    if ends { return log.info("A job scrapes this server: its own metrics are not stored a second time") }
    tell(outcome, time, seconds)
  }

  private func tell(_ outcome: ReceiveOutcome, _ time: Int64, _ seconds: Double) {
    let error = outcome.fault
    report(time, seconds, error.map { "not all was stored: \($0)" })
    // What lasts is told once, and its end.
    let before = past.withLock { past in
      let before = past.error
      past.error = error
      return before
    }
    if let error, before == nil {
      log.warn("The server's own metrics were not all stored; tried again every 15 seconds", ["err": error])
    } else if error == nil, before != nil {
      log.info("The server's own metrics are stored again")
    }
  }
}
