import Ingest
import Platform
import TSDB

extension WorkspaceUsage {
  /// Opens the usage of a database and its intake, which it does not keep alive.
  convenience init(
    _ database: Database, _ intake: Intake, on disk: any Disk, clock: any Clock, registry: MetricsRegistry
  ) {
    self.init(database.layout.usage, on: disk, clock: clock, damaged: database.damaged, registry: registry) {
      [weak database, weak intake] in
      guard let database, let intake else { return nil }
      return Readings(database, intake)
    }
  }
}

extension WorkspaceUsage.Readings {
  init(_ database: Database, _ intake: Intake) {
    let (ingested, queries) = (intake.metrics.ingested, database.metrics.queries)
    counts.remoteWriteSamples = ingested[.remoteWrite].value
    counts.otlpSamples = ingested[.otlp].value
    counts.scrapedSamples = ingested[.scrape].value
    counts.ruleSamples = ingested[.rule].value
    counts.markerSamples = ingested[.marker].value
    counts.ownSamples = ingested[.own].value
    counts.discardedSamples = intake.metrics.discarded.values.reduce(0, +)
    counts.queries = queries.queryCount(.client)
    counts.querySamples = queries.sampleCount(.client)
    counts.ruleQueries = queries.queryCount(.rule)
    counts.ruleQuerySamples = queries.sampleCount(.rule)
    counts.activeSeriesMax = max(0, database.head.seriesCount - database.head.exemptSeriesCount)
    storedBytes = database.storedBytes
  }
}
