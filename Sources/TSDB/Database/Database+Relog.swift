import Format
import Model
import Platform

// A start that has the head's snapshot does not read the log before it. Where a part of that is gone, the snapshot alone holds
// what was in it, names of series above all; the next damage would take them. So the head is written down once more.
extension Database {
  /// Finds the files missing from the logs, which a start with a snapshot need not read; logs the head again, fills the
  /// gaps, and reports them unless `isTold`. Runs before anybody appends.
  func mendLogGaps(isTold: Bool) {
    let all: [LogGaps]
    do throws(DiskError) {
      // The log of late samples has no checkpoints: it begins anew, at any number.
      all = [try LogGaps(head.files.wal.directory), try LogGaps(head.files.wbl.directory, hasCheckpoints: false)]
    } catch {
      // What cannot be listed now is told by whoever needs it.
      return
    }
    let gaps = all.filter { $0.description != nil }
    if gaps.isEmpty { return }
    let isLogged = logAgain()
    let isMended = gaps.reduce(isLogged) { $1.fill() && $0 }
    if isTold { return }
    for gap in gaps {
      damaged.report(
        gap.directory.path, as: "wal", damage: gap.description ?? "", instead: "the head snapshot",
        meaning: isMended
          ? "nothing is missing: what the snapshot holds was logged again"
          : "nothing is missing as long as the snapshot is whole", keepsOriginal: false)
    }
  }

  /// Reports a log without any file, which no server leaves: the log of late samples, which is made together with it, has some.
  func reportMissingLog() {
    guard head.files.wal.lastFound < 0, head.files.wbl.lastFound >= 0 else { return }
    damaged.report(
      layout.wal, as: "wal", damage: "the log has no file, though the log of late samples has", instead: "nothing",
      meaning: "samples that were only in it are missing", keepsOriginal: false)
  }

  /// Puts all that the head holds into files and the log again: names, histograms, and the samples of open chunks and of late
  /// ones. False if that failed.
  func logAgain() -> Bool {
    do {
      try head.logNames()
      head.completeIdleChunks(lastBefore: .max)
      head.completeLateSamples()
      try head.writeCompletedChunks()
      try head.files.chunks.sync()
      _ = try head.logHistograms(late: false)
      _ = try head.logHistograms(late: true)
      try head.files.wal.sync()
      try head.files.wbl.sync()
      return true
    } catch {
      log.error("What the head holds could not be logged again", ["err": "\(error)"])
      return false
    }
  }
}

/// The files missing from a log between its first and its last: segments, and its checkpoint or parts of it.
private struct LogGaps {
  let directory: WALDirectory
  private var checkpoint: Int?
  private var parts: [Int] = []
  private var segments: [Int]

  init(_ directory: WALDirectory, hasCheckpoints: Bool = true) throws(DiskError) {
    self.directory = directory
    let plan = try ReplayPlan(directory, from: nil, before: .max, passesOver: true)
    segments = plan.missing
    if !hasCheckpoints { return }
    let found = plan.sources.filter(\.isCheckpoint).map(\.number)
    if plan.lacksBeginning {
      checkpoint = plan.logStart.segment - 1
      parts = [0]
    } else if let last = found.last, found.count <= last {
      checkpoint = try directory.checkpoints().last
      parts = (0...last).filter { !found.contains($0) }
    }
  }

  /// A sentence that names what is missing; nil if nothing is.
  var description: String? {
    if checkpoint != nil { return "its checkpoint or a part of it is missing" }
    return segments.first.map { "\(segments.count) segments are missing, the first is \($0)" }
  }

  /// Puts empty files into the gaps, so that the log has none from now on, also for Prometheus.
  func fill() -> Bool {
    do throws(DiskError) {
      if let checkpoint {
        let folder = WALDirectory(directory.disk, directory.checkpointPath(checkpoint))
        try directory.disk.makeDirectories(folder.path)
        for part in parts { try directory.disk.open(folder.segmentPath(part), .create).close() }
        try directory.disk.syncDirectory(folder.path)
      }
      for segment in segments { try directory.disk.open(directory.segmentPath(segment), .create).close() }
      try directory.disk.syncDirectory(directory.path)
      return true
    } catch {
      return false
    }
  }
}

extension Head {
  /// Logs the names of all series, under each of their references.
  func logNames() throws(WALError) {
    var seconds: [UInt64: [UInt64]] = [:]
    for (second, first) in secondReferences.withLock({ $0 }) { seconds[first, default: []].append(second) }
    var names = NameRecords(files.wal)
    for shard in shards {
      let series = shard.state.withLock { state in
        var series: [(reference: UInt64, id: UInt32)] = []
        state.records.forEach { _, record in series.append((record.pointee.reference, record.pointee.id)) }
        return series
      }
      for (reference, id) in series {
        try names.append([reference] + (seconds[reference] ?? []), id, of: index)
      }
    }
    try names.commit()
  }
}

/// Names of series on their way into a log, some thousands a record. One owner.
private struct NameRecords: ~Copyable {
  private let wal: WriteAheadLog
  private var record = ByteBuffer(capacity: 64 << 10)
  private var body = WALBody()
  private var packed: [UInt8] = []

  init(_ wal: WriteAheadLog) { self.wal = wal }

  mutating func append(_ references: [UInt64], _ id: UInt32, of index: SeriesIndex) throws(WALError) {
    // One without a number is being made; who makes it logs it.
    if id == 0 || !index.state.withLock({ $0.packedLabels(of: id, into: &packed) }) { return }
    let labels = packed.lend { Labels(checking: $0.raw) }
    guard let labels else { return }
    for reference in references {
      if record.count == 0 { SeriesRecord.begin(&record) }
      SeriesRecord.append(ref: reference, labels: labels, to: &record)
    }
    if record.count >= HistogramLogs.recordBytesMax { try commit() }
  }

  mutating func commit() throws(WALError) {
    if record.count == 0 { return }
    body.append(record)
    try wal.commit(body)
    body.removeAll()
    record.removeAll()
  }
}
