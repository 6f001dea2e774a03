import Format
import Platform
import Synchronization

/// Stores the server's own metrics every 15 seconds, as if it scraped itself, so that the first query people run has an
/// answer. One thread; the samples go the way of every other body.
package final class SelfScrape: Sendable {
  package static let intervalMilliseconds: Int64 = 15_000
  private let task: PeriodicTask

  /// When a round was, how long it took, and what went wrong in it, if anything.
  package typealias Report = @Sendable (_ milliseconds: Int64, _ seconds: Double, _ error: String?) -> Void

  /// `instance` as a Prometheus would name this server; `report` is called after each round.
  package init(
    receiver: Receiver, registry: MetricsRegistry, instance: String, clock: any Clock, log: Log,
    report: @escaping Report = { _, _, _ in }
  ) throws(ThreadError) {
    let round: @Sendable () -> Void = {
      SelfScrape.scrape(receiver, registry, instance: instance, clock, log, report)
    }
    round()
    task = try PeriodicTask(
      name: "self-scrape", intervalMilliseconds: SelfScrape.intervalMilliseconds, clock: clock, round)
  }

  package func stop() { task.stop() }

  private static func scrape(
    _ receiver: Receiver, _ registry: MetricsRegistry, instance: String, _ clock: any Clock, _ log: Log,
    _ tell: Report
  ) {
    let time = clock.nowMilliseconds()
    let started = clock.monotonicNanoseconds()
    let target: [(name: String, value: String)] = [("instance", instance), ("job", "apus")]
    var body = WriteRequestBuilder()
    var count = 0
    for family in registry.families() {
      for sample in family.samples {
        body.append(labels: [("__name__", sample.name)] + target + sample.labels, time: time, value: sample.value)
        count += 1
      }
    }
    let seconds = Double(clock.monotonicNanoseconds() - started) / 1e9
    let report: [(String, Double)] = [
      ("up", 1), ("scrape_duration_seconds", seconds), ("scrape_samples_scraped", Double(count)),
      ("scrape_samples_post_metric_relabeling", Double(count)),
    ]
    for (name, value) in report {
      body.append(labels: [("__name__", name)] + target, time: time, value: value)
    }
    let outcome = receiver.receive(body.bytes, encoding: .identity)
    tell(time, seconds, outcome == .stored ? nil : "not all was stored: \(outcome)")
    if outcome != .stored { log.warn("The server's own metrics were not all stored", ["outcome": "\(outcome)"]) }
  }
}
