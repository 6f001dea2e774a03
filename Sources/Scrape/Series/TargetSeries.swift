import Ingest
import Model
import Platform

/// The series of one target, from scrape to scrape: which ones its last scrape had, so that those that end get a stale
/// marker. One thread at a time.
package final class TargetSeries {
  /// `labels`: those of the target that its series get.
  package init(_ options: ScrapeOptions, labels: Labels, intake: Intake, metrics: ScrapeMetrics, clock: any Clock) {}

  /// Stores the samples of an answer and the series about the scrape itself (`up` and its neighbours).
  package func store(_ answer: ScrapeAnswer) -> ScrapeReport { ScrapeReport() }

  /// Marks all series as ended, those about the scrape too: the target is gone, or its labels are others.
  package func end(at time: Int64) {}

  /// Takes over options under which the series stay the same: interval, timeout, limit of samples, client.
  package func reconfigure(_ options: ScrapeOptions) {}

  /// What the target says of its metrics.
  package var metadata: [TargetMetadata] { [] }
}
