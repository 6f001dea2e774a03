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
  let rate = Mutex(SampleRate())
  private let rewriting = Mutex(SeriesRewriting.none)
  private let idle = Mutex<[ScratchBox]>([])
  package let metrics: ReceiverMetrics
  /// Tells of what is refused, in the log and to whoever asks.
  package let refusals: RefusalLog
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
    refusals = RefusalLog(clock: clock, log: log)
    metadata = MetadataStore(hash: head.hash)
  }

  package func reconfigure(_ limits: IngestLimits) { self.limits.withLock { $0 = limits } }

  package var decodedBytesMax: Int { limits.withLock { $0.decodedBytesMax } }
  package var presentLimits: IngestLimits { limits.withLock { $0 } }
  package var presentRules: IngestRules { rewriting.withLock { $0.source } }

  /// Takes over the rules for labels, for bodies that come from now on. What was resolved under other rules is forgotten.
  package func reconfigure(_ rules: IngestRules) throws(RegexError) {
    let present = rewriting.withLock { $0 }
    if present.source == rules { return }
    let next = try present.replaced(by: rules)
    rewriting.withLock { $0 = next }
    head.forgetSpellings(except: next.number)
  }

  /// Takes in one body of the remote-write 1.0 protocol.
  package func receive(_ body: UnsafeRawBufferPointer, encoding: BodyEncoding) -> ReceiveOutcome {
    receive(body, encoding: encoding, message: .v1).outcome
  }

  /// Takes in one body, and says how much of it is stored, or need not be because it is of a replica that does not lead.
  package func receive(
    _ body: UnsafeRawBufferPointer, encoding: BodyEncoding, message: WriteMessage, isAdmitted: Bool = false,
    from sender: () -> Sender = { .unknown }
  ) -> (outcome: ReceiveOutcome, written: WrittenCounts) {
    withScratch { scratch, limits in
      let form = BodyForm(encoding: encoding, message: message)
      let outcome = answer(receive(body, form, scratch, limits, isAdmitted: isAdmitted), scratch)
      tell(outcome, scratch, sender)
      scratch.written.add(scratch.pairs.refused)
      return (outcome, scratch.written)
    }
  }

  /// Lends a scratch from the pool.
  func withScratch<Result, Failure: Error>(
    _ use: (ReceiveScratch, IngestLimits) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let box = idle.withLock { $0.popLast() } ?? ScratchBox(scratch: ReceiveScratch())
    defer {
      box.scratch.reset()
      idle.withLock { $0.append(box) }
    }
    return try use(box.scratch, limits.withLock { $0 })
  }

  /// `replaying`: a kept body of a replica that now leads; only its rows are of interest. `isAdmitted`: its samples have
  /// been taken out of the rate already, or need not be.
  func receive(
    _ body: UnsafeRawBufferPointer, _ form: BodyForm, _ scratch: ReceiveScratch, _ limits: IngestLimits,
    isAdmitted: Bool, replaying: HAPair? = nil
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
    if !isAdmitted, let limited = rateLimit(scratch, limits) { return limited }
    let now = clock.nowMilliseconds()
    scratch.haTerms = replicas.begin(head, now: clock.monotonicMilliseconds)
    scratch.rewriting = scratch.isOwn ? .none : rewriting.withLock { $0 }
    scratch.batch.rules = scratch.rewriting.number
    head.appendKnown(&scratch.batch, now: now, takesPlain: replaying == nil)
    let settled = settleReplicas(body, form, bytes, scratch, now, replaying: replaying)
    let refused = scratch.pairs.refused
    if refused.samples + refused.histograms > 0 {
      rate.withLock { $0.giveBack(refused.samples + refused.histograms) }
    }
    if let settled { return settled }
    resolveUnknown(bytes, scratch, limits, now)
    let histograms =
      scratch.batch.rows.histograms.count == 0
      ? 0 : HistogramIntake(head: head, limits: limits, now: now, metrics: metrics).store(bytes, scratch)
    let exemplars =
      scratch.batch.rows.exemplars.count == 0
      ? 0 : ExemplarIntake(head: head, message: form.message, now: now).store(bytes, scratch)
    scratch.refuseFaults()
    scratch.refusedMetadata = metadata.note(
      scratch.batch.rows.metadata, in: scratch.batch.rows.messages(in: bytes), now: now)
    if scratch.batch.tally.refused > 0 { nameRefusedSamples(bytes, scratch) }
    do throws(WALError) {
      try head.commit(&scratch.batch)
      try storeCopies(bytes, scratch, limits, now)
    } catch {
      log.error("A write could not be logged and was not acknowledged", ["err": "\(error)"])
      metrics.notLogged.add()
      return .unavailable(message: "the write-ahead log cannot be written: \(error)", retryAfterSeconds: 5)
    }
    metrics.samples.add(scratch.batch.tally.stored + histograms)
    metrics.relabelDropped.add(scratch.batch.tally.dropped + scratch.batch.tally.droppedHistograms)
    replicas.metrics.supersededSamples.add(scratch.batch.tally.superseded)
    // What the rules drop is done with: its sender would take it for lost.
    scratch.written.samples = scratch.batch.tally.stored + scratch.batch.tally.dropped
    scratch.written.histograms = histograms + scratch.batch.tally.droppedHistograms
    scratch.written.exemplars = exemplars
    scratch.written.refused = scratch.refusals.total
    if scratch.refusals.isEmpty { return .stored }
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
      return .malformed(message: "remote-write body: \(encoding.name): \(error)")
    }
  }

  /// Reads the labels of the rows nobody has sent before, and appends them to their series, most of them new.
  func resolveUnknown(
    _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch, _ limits: IngestLimits, _ now: Int64
  ) {
    let resolver = RowResolver(head: head, limits: limits, now: now, metrics: metrics)
    // In the order of the body, so that series are made in the order their sender has them.
    for row in scratch.batch.unknown.sorted().map(Int.init) {
      guard let refusal = resolver.resolve(row, bytes, scratch) else { continue }
      refuse(row, refusal, bytes, scratch)
    }
  }

  private func refuse(
    _ row: Int, _ refusal: RowResolver.Refusal, _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch
  ) {
    let scanned = scratch.batch.rows.rows[row]
    // Its histograms are refused one by one.
    if scanned.sampleCount == 0 && scanned.flags & WriteRow.hasHistograms != 0 { return }
    scratch.refusals.add(reason: refusal.reason, samples: Int(scanned.sampleCount)) {
      var offender = scratch.offender(refusal.message, row: row, in: bytes)
      (offender.actual, offender.limit) = (refusal.actual, refusal.limit)
      return offender
    }
  }

  /// Goes over the samples the head refused. Some turn out to be stored already, in a chunk on disk: a retry of an old
  /// body is a success.
  func nameRefusedSamples(_ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch) {
    if let database { database.acquitDuplicates(&scratch.batch) } else { head.acquitDuplicates(&scratch.batch) }
    for row in 0..<scratch.batch.rows.rows.count {
      let start = Int(scratch.batch.rows.rows[row].sampleStart)
      for sample in start..<(start + Int(scratch.batch.rows.rows[row].sampleCount)) {
        guard let outcome = SampleOutcome(rawValue: scratch.batch.outcomes[sample]), !outcome.isStored else { continue }
        head.metrics.count(outcome)
        scratch.refusals.add(reason: outcome.reason, samples: 1) {
          var offender = scratch.offender(outcome.message, row: row, in: bytes)
          offender.timestamp = scratch.batch.rows.times[sample]
          offender.value = Double(bitPattern: scratch.batch.rows.values[sample])
          return offender
        }
      }
    }
  }
}
