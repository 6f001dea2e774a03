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
  private let clock: any Clock
  private let log: Log
  private let limits: Mutex<IngestLimits>
  private let rate = Mutex(SampleRate())
  private let rewriting = Mutex(SeriesRewriting.none)
  private let idle = Mutex<[ScratchBox]>([])
  package let metrics: ReceiverMetrics
  /// What senders say of their metrics.
  package let metadata: MetadataStore

  /// A scratch is one thread's while it is out of the pool.
  struct ScratchBox: @unchecked Sendable {
    let scratch: ReceiveScratch
  }

  package convenience init(
    database: Database, limits: IngestLimits, clock: any Clock, log: Log, metrics: ReceiverMetrics
  ) {
    self.init(head: database.head, database: database, limits: limits, clock: clock, log: log, metrics: metrics)
  }

  package init(
    head: Head, database: Database? = nil, limits: IngestLimits, clock: any Clock, log: Log, metrics: ReceiverMetrics
  ) {
    self.head = head
    self.database = database
    self.clock = clock
    self.log = log
    self.limits = Mutex(limits)
    self.metrics = metrics
    metadata = MetadataStore(hash: head.hash)
  }

  package func reconfigure(_ limits: IngestLimits) { self.limits.withLock { $0 = limits } }

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
    let box = takeScratch()
    defer { giveBack(box) }
    return receive(body, encoding, box.scratch, limits.withLock { $0 })
  }

  func takeScratch() -> ScratchBox { idle.withLock { $0.popLast() } ?? ScratchBox(scratch: ReceiveScratch()) }

  func giveBack(_ box: ScratchBox) {
    box.scratch.reset()
    idle.withLock { $0.append(box) }
  }

  private func receive(
    _ body: UnsafeRawBufferPointer, _ encoding: BodyEncoding, _ scratch: ReceiveScratch, _ limits: IngestLimits
  ) -> ReceiveOutcome {
    if let database, !database.isWritable {
      return .unavailable(message: "the disk is nearly full, nothing is written", retryAfterSeconds: 30)
    }
    if let refused = decompress(body, encoding, scratch, limits) { return refused }
    let bytes = encoding == .identity ? body : scratch.decoded.bytes
    do throws(WriteRequestError) {
      try WriteRequestScanner.scan(bytes, key: head.hash, into: &scratch.batch.rows)
    } catch {
      metrics.malformed.add()
      return .malformed(message: "not a remote-write request: \(error)")
    }
    if let limited = rateLimit(scratch, limits) { return limited }
    let now = clock.nowMilliseconds()
    scratch.rewriting = rewriting.withLock { $0 }
    scratch.batch.rules = scratch.rewriting.number
    head.appendKnown(&scratch.batch, now: now)
    resolveUnknown(bytes, scratch, limits, now)
    refuseHistograms(bytes, scratch)
    metadata.note(scratch.batch.rows.metadata, in: bytes, now: now)
    if scratch.batch.tally.refused > 0 { nameRefusedSamples(bytes, scratch) }
    do throws(WALError) {
      try head.commit(&scratch.batch)
      try storeCopies(bytes, scratch, limits, now)
    } catch {
      log.error("A write could not be logged and was not acknowledged", ["err": "\(error)"])
      metrics.notLogged.add()
      return .unavailable(message: "the write-ahead log cannot be written: \(error)", retryAfterSeconds: 5)
    }
    metrics.samples.add(scratch.batch.tally.stored)
    metrics.relabelDropped.add(scratch.batch.tally.dropped)
    if scratch.refusals.isEmpty { return .stored }
    metrics.count(scratch.refusals)
    let rows = scratch.batch.rows.times.count + scratch.batch.rows.histograms.count
    return .partly(message: scratch.refusals.message(of: rows))
  }

  /// An outcome where the workspace sends more than it may.
  private func rateLimit(_ scratch: ReceiveScratch, _ limits: IngestLimits) -> ReceiveOutcome? {
    if limits.samplesPerSecondMax == 0 { return nil }
    let rows = scratch.batch.rows.times.count + scratch.batch.rows.histograms.count
    let now = UInt64(max(0, clock.monotonicNanoseconds()))
    guard let seconds = rate.withLock({ $0.take(rows, limits, now: now) }) else { return nil }
    metrics.count(reason: "rate_limited", samples: rows)
    let metadata = scratch.batch.rows.metadata.count
    return .limited(
      message: "ingestion rate limit (\(limits.samplesPerSecondMax)) exceeded while adding \(rows) samples and "
        + "\(metadata) metadata", retryAfterSeconds: seconds)
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
      }
      return nil
    } catch {
      metrics.malformed.add()
      if case .tooLarge = error { return .tooLarge(message: "remote-write body \(error)") }
      return .malformed(message: "remote-write body: \(encoding): \(error)")
    }
  }

  /// Reads the labels of the rows nobody has sent before, and appends them to their series, most of them new.
  func resolveUnknown(
    _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch, _ limits: IngestLimits, _ now: Int64
  ) {
    // In the order of the body, so that series are made in the order their sender has them.
    for row in scratch.batch.unknown.sorted().map(Int.init) {
      let raw = scratch.batch.rows.labels(of: scratch.batch.rows.rows[row], in: bytes)
      var labels = raw
      if !scratch.rewriting.isEmpty {
        guard rewrite(row, raw, scratch) else { continue }
        labels = scratch.rewritten.bytes
      }
      if let fault = LabelRules.check(labels, &scratch.labels, limits) {
        refuse(row, reason: fault.reason, fault.message, raw, scratch)
        continue
      }
      scratch.newSeries.set(scratch.labels, of: labels)
      if let refusal = head.appendNew(row: row, &scratch.newSeries, &scratch.batch, now: now) {
        refuse(row, reason: refusal.reason, refusal.message, raw, scratch)
      }
    }
  }

  /// Lets the rules change the labels of a row; false where it is done with, because they drop it or it is refused.
  private func rewrite(_ row: Int, _ raw: UnsafeRawBufferPointer, _ scratch: ReceiveScratch) -> Bool {
    metrics.relabelled.add()
    switch scratch.rewriting.rewrite(raw, &scratch.labels, into: &scratch.rewritten) {
    case .kept: return true
    case .dropped: head.drop(row: row, &scratch.batch)
    case .refused(let fault): refuse(row, reason: fault.reason, fault.message, raw, scratch)
    }
    return false
  }

  private func refuse(
    _ row: Int, reason: String, _ message: String, _ labels: UnsafeRawBufferPointer, _ scratch: ReceiveScratch
  ) {
    scratch.refusals.add(reason: reason, samples: Int(scratch.batch.rows.rows[row].sampleCount)) {
      "\(message), series \(LabelRules.describe(labels, &scratch.labels))"
    }
  }

  private func refuseHistograms(_ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch) {
    for index in 0..<scratch.batch.rows.histograms.count {
      let row = Int(scratch.batch.rows.histograms[index].row)
      if scratch.batch.isDropped(row) { continue }
      let labels = scratch.batch.rows.labels(of: scratch.batch.rows.rows[row], in: bytes)
      scratch.refusals.add(reason: SeriesFault.histogram.reason, samples: 1) {
        "\(SeriesFault.histogram.message), series \(LabelRules.describe(labels, &scratch.labels))"
      }
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
        let labels = scratch.batch.rows.labels(of: scratch.batch.rows.rows[row], in: bytes)
        let time = scratch.batch.rows.times[sample]
        scratch.refusals.add(reason: outcome.reason, samples: 1) {
          "\(outcome.message), timestamp \(time), series \(LabelRules.describe(labels, &scratch.labels))"
        }
      }
    }
  }
}
