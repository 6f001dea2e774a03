import Format
import Ingest
import Model
import Platform
import PromQL
import Query
import TSDB

/// The database of a workspace, as its rules ask it and write to it. A value; any thread.
///
/// A series is known to the head by a hash of its labels as rules have them, under a key that nobody else has: of known series
/// no label is read.
package struct WorkspaceRuleDatabase: RuleDatabase {
  private let querier: Querier
  private let intake: Intake
  private let key: KeyedHash
  private var group = ""
  /// The group, for the query log.
  private var origin: QueryOrigin?

  package init(querier: Querier, intake: Intake) {
    self.querier = querier
    self.intake = intake
    key = KeyedHash(key: (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max)))
  }

  package func asked(byGroup name: String, ofFile file: String) -> any RuleDatabase {
    var database = self
    database.group = "\(file);\(name)"
    database.origin = .ruleGroup(file: file, name: name)
    return database
  }

  // MARK: Queries

  package func prepare(_ expression: String) throws(QueryError) -> PreparedQuery {
    try PreparedQuery(expression, options: querier.service.options.engine.parser)
  }

  package func instant(
    _ expression: String, at time: Int64, isCanceled: @escaping @Sendable () -> Bool
  ) throws(QueryError) -> QueryResult {
    try querier.instant(expression, at: time, terms(isCanceled))
  }

  package func instant(
    _ query: PreparedQuery, at time: Int64, isCanceled: @escaping @Sendable () -> Bool
  ) throws(QueryError) -> QueryResult {
    try querier.instant(query, at: time, terms(isCanceled))
  }

  private func terms(_ isCanceled: @escaping @Sendable () -> Bool) -> QueryTerms {
    var terms = QueryTerms()
    terms.isCanceled = isCanceled
    terms.origin = origin
    terms.isOfRule = true
    return terms
  }

  package func select(
    _ matchers: [Matcher], from start: Int64, through end: Int64
  ) throws(QueryError) -> [MatrixSeries] {
    let found = try querier.select(
      matchers, from: start, through: end, damage: DamagePolicy(querier.service.options),
      stop: querier.service.stopCheck(QueryTerms()))
    let reader = found.makeReader()
    var series: [MatrixSeries] = []
    series.reserveCapacity(found.count)
    for place in 0..<found.count {
      var column = SampleColumn()
      try reader.read(place, into: &column)
      series.append(MatrixSeries(labels: found.labels[place], samples: column))
    }
    return series
  }

  // MARK: Samples

  package func append(_ samples: [VectorSample]) -> RuleWrite {
    let source = RuleRows(samples)
    let result = intake.withRows { gathered in
      for sample in samples { put(sample, into: gathered) }
      return intake.append(&gathered.rows, .rule(source), from: { .rule(group: group) })
    }
    var write = RuleWrite()
    write.refusedPlaces = source.refused.sorted()
    write.refused = source.refused.count
    write.stored = samples.count - write.refused
    write.error = source.firstError
    if case .unavailable(let message, _) = result.outcome {
      write = RuleWrite()
      write.isUnavailable = true
      write.refused = samples.count
      write.error = message
    } else if write.error.isEmpty, write.refused > 0, case .partly(let message) = result.outcome {
      write.error = message
    }
    return write
  }

  private func put(_ sample: VectorSample, into gathered: ScrapedRows) {
    let hash = sample.labels.packed.lend { key.hash128($0) }
    let place = gathered.rows.rows.count
    switch sample.value {
    case .float(let value):
      gathered.rows.appendRow(hash, at: place..<place, time: sample.timestamp, bits: value.bitPattern)
    case .histogram(let histogram):
      gathered.rows.beginRow(hash, at: place..<place)
      gathered.rows.appendHistogram(HistogramMessage(sample.timestamp, histogram, isFloat: true))
    }
  }

  package func end(_ series: [Labels], at time: Int64) {
    intake.withRows { gathered in
      for labels in series {
        put(VectorSample(labels: labels, timestamp: time, value: .float(StaleMarker.value)), into: gathered)
      }
      _ = intake.append(&gathered.rows, .markers)
    }
  }
}

/// The samples of one rule, as the intake asks for their labels.
private final class RuleRows: ScrapedLabels {
  private let samples: [VectorSample]
  /// The rows that were refused, each once.
  private(set) var refused: Set<Int> = []
  private(set) var firstError = ""

  init(_ samples: [VectorSample]) { self.samples = samples }

  var isExempt: Bool { false }

  func appendFields(of row: Int, _ scanned: WriteRow, in bytes: LentBytes, to output: inout ByteBuffer) {
    for label in samples[scanned.place.lowerBound].labels.pairs {
      LabelFields.appendField(name: Array(label.name.utf8), value: Array(label.value.utf8), to: &output)
    }
  }

  func noteRefused(_ row: Int, _ scanned: WriteRow, _ outcome: SampleOutcome?) {
    refused.insert(scanned.place.lowerBound)
    if firstError.isEmpty, let outcome { firstError = outcome.message }
  }

  func noteLateExemplar(_ row: Int) {}
}
