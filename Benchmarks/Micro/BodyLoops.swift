import Format
import Ingest
import Model
import Platform
import PlatformSimulation
import TSDB

/// What a body of remote write goes through: its bytes, its rows, their series.
func bodyLoops(series: Int, seed: UInt64) throws -> [MicroLoop] {
  let bench = try BodyBench(series: series, seed: seed)
  return [
    MicroLoop(name: "snappy decode", item: "series", items: series) { try bench.decode() },
    MicroLoop(name: "protobuf scan, labels hashed", item: "series", items: series) { try bench.scan() },
    MicroLoop(name: "hash of a series' labels", item: "series", items: series) { bench.hashLabels() },
    MicroLoop(
      name: "table look-up, sample there already", item: "series", items: series, prepare: { try bench.scanSame() }
    ) { bench.append() },
    MicroLoop(name: "table look-up and append", item: "series", items: series, prepare: { try bench.scanNext() }) {
      bench.append()
    },
  ]
}

/// One body after the other, and a head in memory that knows their series. One thread's.
private final class BodyBench {
  private static let decodedBytesMax = 32 << 20

  private var maker: BodyMaker
  private let workload: Workload
  private var scrape = 0
  private let compressed: [UInt8]
  private var decoded = ByteBuffer(capacity: 1 << 20)
  private let database: Database
  private var rows = WriteRequestRows()
  private let batch = AppendBatch()

  init(series: Int, seed: UInt64) throws {
    workload = Workload(series: series, scrapes: 1, seriesPerBody: series, seed: seed, firstTimestamp: microStart)
    maker = BodyMaker(workload, share: 0, of: 1)
    maker.move(0)
    maker.make(0, scrape: 0, replica: 0)
    compressed = maker.compressed
    let clock = SimulatedClock(nowMilliseconds: microStart)
    let log = Log(level: .error, format: .logfmt) { _ in }
    let registry = MetricsRegistry()
    let disk = SimulatedDisk()
    database = try Database.open(
      DatabaseOptions(directory: "/data"), disk: disk, clock: clock, log: log, registry: registry)
    try database.restore()
    let receiver = Receiver(
      Intake(
        Appender(database), limits: IngestLimits(), clock: clock, log: log, metrics: ReceiverMetrics(registry),
        replicas: HATracker(
          HAOptions(), path: database.layout.haLeaders, disk: disk, clock: clock, log: log, damaged: database.damaged,
          registry: registry)))
    let outcome = compressed.lend { receiver.receive($0, encoding: .snappy) }
    guard case .stored = outcome else { throw Trial.Failure(description: "the body was not stored: \(outcome)") }
    _ = try decode()
    _ = try scan()
  }

  deinit { database.close() }

  func decode() throws -> UInt64 {
    decoded.removeAll()
    try compressed.withUnsafeBytes { bytes in
      try Snappy.decode(bytes, into: &decoded, decodedBytesMax: Self.decodedBytesMax)
    }
    var hash = UInt64(decoded.count)
    mix(decoded.bytes.loadUnaligned(fromByteOffset: decoded.count - 8, as: UInt64.self), into: &hash)
    return hash
  }

  func scan() throws -> UInt64 {
    try WriteRequestScanner.scan(decoded.bytes, key: .stable, into: &rows)
    var hash = UInt64(rows.times.count)
    mix(rows.rows[rows.rows.count - 1].hashHigh, into: &hash)
    mix(rows.values[rows.values.count - 1], into: &hash)
    return hash
  }

  func hashLabels() -> UInt64 {
    var hash: UInt64 = 0
    for index in 0..<rows.rows.count {
      let both = KeyedHash.stable.hash128(rows.labels(of: rows.rows[index], in: decoded.bytes))
      hash &+= both.high ^ both.low
    }
    return hash
  }

  /// The rows of the first body, with the key of the head.
  func scanSame() throws {
    try WriteRequestScanner.scan(decoded.bytes, key: database.head.hash, into: &batch.rows)
  }

  /// Those of the next scrape.
  func scanNext() throws {
    scrape += 1
    maker.move(0)
    maker.make(0, scrape: scrape, replica: 0)
    try WriteRequestScanner.scan(maker.messageBytes, key: database.head.hash, into: &batch.rows)
  }

  func append() -> UInt64 {
    // Not logged: what is measured ends in memory.
    Appender(database).begin(batch, now: workload.timestamp(scrape: scrape)).abandon()
    return UInt64(batch.tally.accepted) << 32 | UInt64(batch.tally.stored)
  }
}
