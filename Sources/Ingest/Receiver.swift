import Format
import Model
import Platform
import Synchronization
import TSDB

/// Takes in remote-write bodies: decompress, scan, append what is known, read the labels of what is not, log,
/// acknowledge. Any thread; each body runs on the caller's.
package final class Receiver: Sendable {
  let head: Head
  /// Set where the head is a database's: it knows blocks, and when nothing may be written.
  private let database: Database?
  let clock: any Clock
  let log: Log
  private let limits: Mutex<IngestLimits>
  private let idle = Mutex<[ScratchBox]>([])
  package let metrics: ReceiverMetrics
  /// What senders say of their metrics.
  package let metadata: MetadataStore
  /// Who leads of the replicas that send the same series.
  package let replicas: HATracker

  /// A scratch is one thread's while it is out of the pool.
  private struct ScratchBox: @unchecked Sendable {
    let scratch: ReceiveScratch
  }

  package convenience init(
    database: Database, limits: IngestLimits, clock: any Clock, log: Log, metrics: ReceiverMetrics,
    replicas: HATracker
  ) {
    self.init(
      head: database.head, database: database, limits: limits, clock: clock, log: log, metrics: metrics,
      replicas: replicas)
  }

  package init(
    head: Head, database: Database? = nil, limits: IngestLimits, clock: any Clock, log: Log, metrics: ReceiverMetrics,
    replicas: HATracker
  ) {
    self.head = head
    self.database = database
    self.clock = clock
    self.log = log
    self.limits = Mutex(limits)
    self.metrics = metrics
    self.replicas = replicas
    metadata = MetadataStore(hash: head.hash)
  }

  package func reconfigure(_ limits: IngestLimits) { self.limits.withLock { $0 = limits } }

  package var decodedBytesMax: Int { limits.withLock { $0.decodedBytesMax } }

  /// Takes in one body of the remote-write 1.0 protocol.
  package func receive(_ body: UnsafeRawBufferPointer, encoding: BodyEncoding) -> ReceiveOutcome {
    receive(body, encoding: encoding, message: .v1).outcome
  }

  /// Takes in one body, and says how much of it is stored, or need not be because it is of a replica that does not lead.
  package func receive(
    _ body: UnsafeRawBufferPointer, encoding: BodyEncoding, message: WriteMessage
  ) -> (outcome: ReceiveOutcome, written: WrittenCounts) {
    withScratch { scratch, limits in
      let form = BodyForm(encoding: encoding, message: message)
      let outcome = answer(receive(body, form, scratch, limits), scratch)
      scratch.written.add(scratch.pairs.refused)
      return (outcome, scratch.written)
    }
  }

  /// Lends a scratch from the pool.
  func withScratch<Result>(_ use: (ReceiveScratch, IngestLimits) -> Result) -> Result {
    let box = idle.withLock { $0.popLast() } ?? ScratchBox(scratch: ReceiveScratch())
    let result = use(box.scratch, limits.withLock { $0 })
    box.scratch.reset()
    idle.withLock { $0.append(box) }
    return result
  }

  /// `replaying`: a kept body of a replica that now leads; only its rows are of interest.
  func receive(
    _ body: UnsafeRawBufferPointer, _ form: BodyForm, _ scratch: ReceiveScratch, _ limits: IngestLimits,
    replaying: HAPair? = nil
  ) -> ReceiveOutcome {
    if let database, !database.isWritable {
      return .unavailable(message: "the disk is nearly full, nothing is written", retryAfterSeconds: 30)
    }
    if let refused = decompress(body, form.encoding, scratch, limits) { return refused }
    let bytes = form.encoding == .identity ? body : scratch.decoded.bytes
    do throws(WriteRequestError) {
      try scan(bytes, form.message, into: &scratch.batch.rows)
    } catch {
      metrics.malformed.add()
      return .malformed(message: "not a remote-write request: \(error)")
    }
    let now = clock.nowMilliseconds()
    scratch.haTerms = replicas.begin(head, now: clock.monotonicMilliseconds)
    head.appendKnown(&scratch.batch, now: now, takesPlain: replaying == nil)
    if let outcome = settleReplicas(body, form, bytes, scratch, now, replaying: replaying) { return outcome }
    resolveUnknown(bytes, scratch, limits, now)
    let histograms =
      scratch.batch.rows.histograms.count == 0
      ? 0 : HistogramIntake(head: head, limits: limits, now: now).store(bytes, scratch)
    let exemplars =
      scratch.batch.rows.exemplars.count == 0
      ? 0 : ExemplarIntake(head: head, message: form.message, now: now).store(bytes, scratch, metrics)
    scratch.refuseFaults()
    metadata.note(scratch.batch.rows.metadata, in: scratch.batch.rows.messages(in: bytes), now: now)
    if scratch.batch.tally.refused > 0 { nameRefusedSamples(bytes, scratch) }
    do throws(WALError) {
      try head.commit(&scratch.batch)
    } catch {
      log.error("A write could not be logged and was not acknowledged", ["err": "\(error)"])
      metrics.notLogged.add()
      return .unavailable(message: "the write-ahead log cannot be written: \(error)", retryAfterSeconds: 5)
    }
    metrics.samples.add(scratch.batch.tally.stored + histograms)
    replicas.metrics.supersededSamples.add(scratch.batch.tally.superseded)
    scratch.written.samples = scratch.batch.tally.stored
    scratch.written.histograms = histograms
    scratch.written.exemplars = exemplars
    scratch.written.refused = scratch.refusals.total
    if scratch.refusals.isEmpty { return .stored }
    metrics.count(scratch.refusals)
    return .partly(message: scratch.refusals.message(of: scratch.batch.rows.elementCount))
  }

  private func scan(
    _ bytes: UnsafeRawBufferPointer, _ message: WriteMessage, into rows: inout WriteRequestRows
  ) throws(WriteRequestError) {
    switch message {
    case .v1: try WriteRequestScanner.scan(bytes, key: head.hash, into: &rows)
    case .v2: try WriteRequestV2Scanner.scan(bytes, key: head.hash, into: &rows)
    }
  }

  /// Fills `scratch.decoded`; an outcome where that is not possible.
  private func decompress(
    _ body: UnsafeRawBufferPointer, _ encoding: BodyEncoding, _ scratch: ReceiveScratch, _ limits: IngestLimits
  ) -> ReceiveOutcome? {
    do throws(CompressionError) {
      switch encoding {
      case .identity:
        guard body.count <= limits.decodedBytesMax else {
          throw .tooLarge(decodedBytes: body.count, decodedBytesMax: limits.decodedBytesMax)
        }
      case .snappy:
        try Snappy.decode(body, into: &scratch.decoded, decodedBytesMax: limits.decodedBytesMax)
      case .zstd:
        try scratch.zstd.decode(body, into: &scratch.decoded, decodedBytesMax: limits.decodedBytesMax)
      case .gzip:
        try Gzip.decode(body, into: &scratch.decoded, decodedBytesMax: limits.decodedBytesMax)
      }
      return nil
    } catch {
      if case .outOfMemory = error { return .unavailable(message: "remote-write body: \(error)", retryAfterSeconds: 5) }
      metrics.malformed.add()
      if case .tooLarge = error { return .tooLarge(message: "remote-write body \(error)") }
      return .malformed(message: "remote-write body: \(encoding): \(error)")
    }
  }

  /// Reads the labels of the rows nobody has sent before, and appends them to their series, most of them new.
  private func resolveUnknown(
    _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch, _ limits: IngestLimits, _ now: Int64
  ) {
    // In the order of the body, so that series are made in the order their sender has them.
    for row in scratch.batch.unknown.sorted().map(Int.init) {
      let raw = scratch.batch.rows.labels(of: scratch.batch.rows.rows[row], in: bytes)
      if let fault = LabelRules.check(raw, &scratch.labels, limits) {
        refuse(row, reason: fault.reason, fault.message, raw, scratch)
        continue
      }
      let replica = scratch.replica(of: row)
      if replica != nil { scratch.labels.remove(scratch.haTerms.options.replicaLabel, in: raw) }
      scratch.newSeries.set(scratch.labels, of: raw)
      let name = replica.map { $0.number == 0 ? nil : $0.number } ?? 0
      if let refusal = head.appendNew(row: row, &scratch.newSeries, &scratch.batch, now: now, pair: name) {
        refuse(row, reason: refusal.reason, refusal.message, raw, scratch)
      }
    }
  }

  private func refuse(
    _ row: Int, reason: String, _ message: String, _ labels: UnsafeRawBufferPointer, _ scratch: ReceiveScratch
  ) {
    let row = scratch.batch.rows.rows[row]
    // Its histograms are refused one by one.
    if row.sampleCount == 0 && row.flags & WriteRow.hasHistograms != 0 { return }
    scratch.refusals.add(reason: reason, samples: Int(row.sampleCount)) {
      "\(message), series \(LabelRules.describe(labels, &scratch.labels))"
    }
  }

  /// Goes over the samples the head refused. Some turn out to be stored already, in a chunk on disk: a retry of an old
  /// body is a success.
  private func nameRefusedSamples(_ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch) {
    if let database { database.acquitDuplicates(&scratch.batch) } else { head.acquitDuplicates(&scratch.batch) }
    for row in 0..<scratch.batch.rows.rows.count {
      let start = Int(scratch.batch.rows.rows[row].sampleStart)
      for sample in start..<(start + Int(scratch.batch.rows.rows[row].sampleCount)) {
        guard let outcome = SampleOutcome(rawValue: scratch.batch.outcomes[sample]), !outcome.isStored else { continue }
        head.metrics.count(outcome)
        let labels = scratch.batch.rows.labels(of: scratch.batch.rows.rows[row], in: bytes)
        let time = scratch.batch.rows.times[sample]
        scratch.refusals.add(reason: outcome.reason, samples: 1) {
          "\(outcome.message), timestamp \(time), series \(LabelRules.describe(labels, &scratch.labels))"
        }
      }
    }
  }
}
