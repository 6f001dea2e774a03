import Ingest
import Model
import Platform

/// The series of one target, from scrape to scrape: which ones its last scrape had, so that those that end get a stale
/// marker. Scrapes of one target come one after the other; `metadata` may be asked for at any time. Any thread.
package final class TargetSeries: Sendable {
  private let run: Exclusive<TargetRun>
  private let families: TargetFamilies

  /// `labels`: those of the target that its series get; `metricRelabelling`: the rules of `options`, compiled once for all
  /// targets of a job. Series that were stored under other labels or rules are found by neither: they need another
  /// `TargetSeries`.
  package init(
    _ options: ScrapeOptions, labels: Labels, metricRelabelling: Relabelling, intake: Intake,
    metrics: ScrapeSampleMetrics, clock: any Clock, random: RandomNumbers = RandomNumbers()
  ) {
    // The spellings of another target, or of this one under other rules, must not be found.
    let key = KeyedHash(key: (random.next(), random.next()))
    families = TargetFamilies(key)
    run = Exclusive(
      TargetRun(
        ScrapeTerms(options), SeriesNaming(options, target: labels, metricRelabelling), labels: labels, key: key,
        families, intake, metrics, clock))
  }

  /// Stores the samples of an answer and the series about the scrape itself (`up` and its neighbours).
  package func store(_ answer: ScrapeAnswer) -> ScrapeReport { run.use { $0.store(answer) } }

  /// Marks all series as ended, those about the scrape too: the target is gone, or its labels are others.
  package func end(at time: Int64) { run.use { $0.end(at: time) } }

  /// Takes over options under which the series stay the same: interval, timeout, limit of samples, client.
  package func reconfigure(_ options: ScrapeOptions) { run.use { $0.reconfigure(ScrapeTerms(options)) } }

  /// Type, help and unit of the metric families, as the target says.
  package var metadata: [TargetMetadata] { families.all }

  /// Number of families and bytes of what they say.
  package var metadataSize: (entries: Int, bytes: Int) { families.size }

  /// Bytes of memory for the texts of the last scrapes.
  var tableBytes: Int { run.use { $0.tableBytes } }
}
