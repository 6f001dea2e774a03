import Format
import Model
import Platform
import Synchronization
import TSDB
import Testing

/// A folder of the machine's disk that goes away with the test.
final class WALFolder {
  let path: String
  private let disk = LinuxDisk()

  init() throws {
    path = "/tmp/apus-wal-\(UInt64.random(in: 0 ... .max))"
    try disk.makeDirectory(path)
  }

  deinit {
    do {
      try disk.removeTree(path)
    } catch {
      print("left behind: \(path): \(error)")
    }
  }
}

/// Lines of a log, kept.
final class KeptLog: Sendable {
  private let kept = Mutex<[String]>([])

  var lines: [String] { kept.withLock { $0 } }
  var log: Log { Log(level: .info, format: .logfmt) { [self] line in kept.withLock { $0.append(line) } } }
}

/// Damage that is kept in `/data/quarantine` of a disk and counted in a registry of its own.
func damagedFiles(_ disk: any Disk, root: String = "/data", log: Log) -> DamagedFiles {
  DamagedFiles(Quarantine(disk, root + "/quarantine", log: log), names: [], log: log, registry: MetricsRegistry())
}

/// A log under test with all it needs.
struct WALSetup {
  let disk: any Disk
  let clock: any Clock
  let keptLog = KeptLog()
  let registry = MetricsRegistry()
  let metrics: WALMetrics
  var options: WALOptions
  let quarantine: String

  init(_ disk: any Disk, root: String, clock: any Clock = SystemClock()) {
    self.disk = disk
    self.clock = clock
    options = WALOptions(directory: root + "/wal")
    quarantine = root + "/quarantine"
    metrics = WALMetrics(registry, .wal)
  }

  var directory: WALDirectory { WALDirectory(disk, options.directory) }

  func open() throws -> WriteAheadLog {
    try WriteAheadLog(disk, options, clock: clock, log: keptLog.log, metrics: metrics)
  }

  func replay(from: WALPosition? = nil, before limit: Int = .max) throws -> Replayed {
    let replay = try WALReplay(
      directory, from: from, before: limit, quarantine: quarantine, log: keptLog.log, metrics: metrics)
    return try Replayed(replay)
  }
}

struct Sample: Hashable, Comparable {
  var ref: UInt64
  var timestamp: Int64
  var bits: UInt64

  init(_ ref: UInt64, _ timestamp: Int64, _ value: Double) {
    self.ref = ref
    self.timestamp = timestamp
    bits = value.bitPattern
  }

  static func < (left: Sample, right: Sample) -> Bool {
    (left.ref, left.timestamp, left.bits) < (right.ref, right.timestamp, right.bits)
  }
}

/// Everything a replay gave, as plain values.
struct Replayed {
  var series: [UInt64: Labels] = [:]
  var samples: [Sample] = []
  var metadata: [UInt64: String] = [:]
  /// References and times of native histograms.
  var histograms: [Sample] = []
  var tombstones: [TombstoneRow] = []
  var exemplars = 0
  var end: WALPosition?
  var numbers = ReplayProgress.Numbers()

  init(_ replay: WALReplay) throws {
    let batch = DecodedBatch()
    while try replay.next(into: batch) {
      for row in batch.columns.series {
        series[row.ref] = Labels(packed: Array(batch.columns.packedLabels(row.labels)))
      }
      let (refs, times, values) = (
        batch.columns.samples.refs, batch.columns.samples.timestamps, batch.columns.samples.values
      )
      for i in 0..<batch.columns.samples.count { samples.append(Sample(refs[i], times[i], values[i])) }
      for row in batch.columns.metadata {
        metadata[row.ref] = String(decoding: batch.columns.bytes(row.help), as: UTF8.self)
      }
      for row in batch.columns.histograms { histograms.append(Sample(row.ref, row.timestamp, 0)) }
      tombstones += batch.columns.tombstones
      exemplars += batch.columns.exemplars.count
      end = batch.end
    }
    numbers = replay.progress.snapshot
  }
}

extension WALBody {
  mutating func addSeries(_ series: [(ref: UInt64, labels: Labels)]) {
    var record = ByteBuffer()
    SeriesRecord.begin(&record)
    for (ref, labels) in series { SeriesRecord.append(ref: ref, labels: labels, to: &record) }
    append(record)
  }

  mutating func addSamples(_ samples: [Sample]) {
    var record = ByteBuffer()
    var encoder = SamplesRecord()
    for sample in samples {
      encoder.append(
        ref: sample.ref, timestamp: sample.timestamp, value: Double(bitPattern: sample.bits), to: &record)
    }
    append(record)
  }

  mutating func addMetadata(_ ref: UInt64, help: String) {
    var record = ByteBuffer()
    MetadataRecord.begin(&record)
    Array(help.utf8).lend {
      MetadataRecord.append(ref: ref, type: .gauge, unit: LentBytes(), help: $0, to: &record)
    }
    append(record)
  }
}
