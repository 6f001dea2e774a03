import Format
import Model
import Platform
import Synchronization
import TSDB

/// The door for rows into a workspace's database, whoever made them. It judges replicas, changes and checks labels,
/// makes series, logs samples; it counts, logs and remembers refusals. Any thread; each delivery runs on the caller's.
package final class Intake: Sendable {
  let appender: Appender
  let clock: any Clock
  let log: Log
  private let limits: Mutex<IngestLimits>
  let rate = Mutex(SampleRate())
  private let rewriting = Mutex(SeriesRewriting.none)
  private let idle = Mutex<[Exclusive<Delivery>]>([])
  let idleRows = Mutex<[Exclusive<ScrapedRows>]>([])
  package let metrics: ReceiverMetrics
  /// The last refusals, for the log and the status page.
  package let refusals: RefusalLog
  /// Type, help and unit of metrics, as senders describe them.
  package let metadata: MetadataStore
  /// Knows which replica leads each cluster.
  package let replicas: HATracker

  package init(
    _ appender: Appender, limits: IngestLimits, clock: any Clock, log: Log, metrics: ReceiverMetrics,
    replicas: HATracker
  ) {
    self.appender = appender
    self.clock = clock
    self.log = log
    self.limits = Mutex(limits)
    self.metrics = metrics
    self.replicas = replicas
    refusals = RefusalLog(clock: clock, log: log)
    metadata = MetadataStore(hash: appender.key)
  }

  // MARK: Settings

  package func reconfigure(_ limits: IngestLimits) { self.limits.withLock { $0 = limits } }

  package var decodedBytesMax: Int { limits.withLock { $0.decodedBytesMax } }
  package var presentLimits: IngestLimits { limits.withLock { $0 } }
  package var presentRules: IngestRules { rewriting.withLock { $0.source } }

  /// Sets the rules for labels of bodies that come from now on; the head forgets the spellings it learned under other
  /// rules.
  package func reconfigure(_ rules: IngestRules) throws(RegexError) {
    let present = rewriting.withLock { $0 }
    if present.source == rules { return }
    let next = try present.replaced(by: rules)
    rewriting.withLock { $0 = next }
    head.forgetSpellings(except: next.number)
  }

  var head: Head { appender.head }

  // MARK: The door

  /// The key under which the labels of rows are hashed.
  package var key: KeyedHash { appender.key }

  /// The answer to every body while the database may not write; nil while it may.
  var unavailable: ReceiveOutcome? {
    appender.isWritable
      ? nil : .unavailable(message: "the disk is nearly full, nothing is written", retryAfterSeconds: 30)
  }

  /// Stores rows; returns the outcome and the counts. Rows of a replica that does not lead count as written, since its
  /// sender must not take them for lost. Offsets in the rows refer to `bytes`; rows made in memory need none.
  /// Afterwards the rows are as they were.
  package func append(
    _ rows: inout WriteRequestRows, in bytes: LentBytes = LentBytes(),
    _ origin: RowOrigin, from sender: () -> Sender = { .unknown }
  ) -> (outcome: ReceiveOutcome, written: WrittenCounts) {
    withDelivery { delivery in
      let outcome = store(&rows, in: bytes, origin, as: delivery)
      tell(outcome, delivery, sender)
      delivery.written.add(delivery.pairs.refused)
      return (outcome, delivery.written)
    }
  }

  /// Lends a delivery from the pool.
  func withDelivery<Result, Failure: Error>(
    _ use: (Delivery) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let lent = idle.withLock { $0.popLast() } ?? Exclusive(Delivery())
    defer { idle.withLock { $0.append(lent) } }
    return try lent.use { (delivery) throws(Failure) in
      defer { delivery.reset() }
      return try use(delivery)
    }
  }

  /// Stores rows as one delivery; the rows lie in its batch meanwhile.
  func store(
    _ rows: inout WriteRequestRows, in bytes: LentBytes, _ origin: RowOrigin, as delivery: Delivery
  ) -> ReceiveOutcome {
    swap(&rows, &delivery.batch.rows)
    defer { swap(&rows, &delivery.batch.rows) }
    delivery.bytes = bytes
    delivery.origin = origin
    return answer(store(delivery), delivery)
  }

  private func store(_ delivery: Delivery) -> ReceiveOutcome {
    if let unavailable { return unavailable }
    delivery.limits = delivery.origin.isSent ? presentLimits : IngestLimits()
    if delivery.origin.isLimited, let limited = rateLimit(delivery) { return limited }
    delivery.now = clock.nowMilliseconds()
    delivery.haTerms = replicas.begin(head, now: clock.monotonicMilliseconds)
    delivery.rewriting = delivery.origin.isSent ? rewriting.withLock { $0 } : .none
    delivery.batch.generation = delivery.rewriting.number
    delivery.batch.isExempt = delivery.origin.isExempt
    delivery.batch.takesLate = !delivery.origin.isInOrderOnly
    delivery.batch.acquits = delivery.origin.isSent || delivery.origin.isOwn
    let found = appender.begin(
      delivery.batch, now: delivery.now, takesUntagged: delivery.origin.keptPair == nil)
    // Nearly always: all rows are of known series, and of no replica.
    if found.tagged.isEmpty && found.unknown.isEmpty { return store(found.settle(), delivery) }
    switch settle(found, delivery) {
    case .answered(let outcome): return outcome
    case .settled(let settled): return store(settled, delivery)
    }
  }

  private func store(_ settled: consuming SettledRows, _ delivery: Delivery) -> ReceiveOutcome {
    let batch = delivery.batch
    let resolved = resolve(settled, delivery)
    let histograms =
      batch.rows.histograms.count == 0 ? 0 : HistogramIntake(metrics: metrics).store(delivery, in: resolved)
    let exemplars = batch.rows.exemplars.count == 0 ? 0 : ExemplarIntake().store(delivery, in: resolved)
    delivery.refuseFaults()
    delivery.refusedMetadata = metadata.note(
      batch.rows.metadata, in: LentBytes(batch.rows.messages(in: delivery.bytes.raw)), now: delivery.now)
    do throws(WALError) {
      try resolved.commit()
      nameRefusedSamples(delivery)
      try storeCopies(delivery)
    } catch {
      log.error("A write could not be logged and was not acknowledged", ["err": "\(error)"])
      metrics.notLogged.add()
      return .unavailable(message: "the write-ahead log cannot be written: \(error)", retryAfterSeconds: 5)
    }
    metrics.ingested[delivery.origin.sampleSource].add(batch.tally.added + histograms)
    if delivery.origin.isSent || delivery.origin.isOwn { metrics.samples.add(batch.tally.stored + histograms) }
    metrics.relabelDropped.add(batch.tally.dropped + delivery.droppedHistograms)
    replicas.metrics.supersededSamples.add(batch.tally.superseded)
    // What the rules drop is done with: its sender would take it for lost.
    delivery.written.samples = batch.tally.stored + batch.tally.dropped
    delivery.written.histograms = histograms + delivery.droppedHistograms
    delivery.written.exemplars = exemplars
    delivery.written.refused = delivery.refusals.total
    if delivery.origin.isOwn { head.exemptSeriesCount = batch.rows.rows.count }
    if delivery.refusals.isEmpty { return .stored }
    return .partly(message: delivery.refusals.message(of: batch.rows.elementCount))
  }

  /// Reads the labels of the rows nobody has sent before, and appends them to their series, most of them new.
  func resolve(_ settled: consuming SettledRows, _ delivery: Delivery) -> ResolvedRows {
    let resolver = RowResolver(metrics: metrics)
    return settled.resolve { row, maker in
      // There is nothing to mark.
      if delivery.origin.isMarkers { return }
      guard let refusal = resolver.resolve(row, delivery, maker) else { return }
      let scanned = delivery.batch.rows.rows[row]
      // Its histograms are refused one by one.
      if scanned.sampleCount == 0 && scanned.flags & WriteRow.hasHistograms != 0 { return }
      delivery.refuse(row, reason: refusal.reason, samples: Int(scanned.sampleCount)) {
        delivery.offender(refusal.message, row: row, of: refusal)
      }
    }
  }

  /// Names the samples that the head refused.
  func nameRefusedSamples(_ delivery: Delivery) {
    let batch = delivery.batch
    if batch.tally.refused == 0 || delivery.origin.isMarkers { return }
    for row in 0..<batch.rows.rows.count {
      let start = Int(batch.rows.rows[row].sampleStart)
      for sample in start..<(start + Int(batch.rows.rows[row].sampleCount)) {
        guard let outcome = batch.outcome(sample), !outcome.isStored else { continue }
        delivery.refuse(row, reason: outcome.reason, samples: 1, outcome) {
          var offender = delivery.offender(outcome.message, row: row)
          offender.timestamp = batch.rows.times[sample]
          offender.value = Double(bitPattern: batch.rows.values[sample])
          return offender
        }
      }
    }
  }
}
