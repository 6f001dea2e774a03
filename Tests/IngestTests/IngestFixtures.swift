import Format
import Ingest
import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Testing

/// A receiver over a real database on a disk in memory, with the clock in the test's hand. One test's own.
final class ReceiverBench {
  static let now: Int64 = 1_700_000_000_000

  let disk: SimulatedDisk
  let clock: SimulatedClock
  let registry = MetricsRegistry()
  let database: Database
  let receiver: Receiver
  var intake: Intake { receiver.intake }

  init(
    _ limits: IngestLimits = IngestLimits(), ha: HAOptions = HAOptions(), disk: SimulatedDisk = SimulatedDisk(),
    log: Log = Log(level: .error, format: .logfmt) { _ in }, clock: SimulatedClock? = nil,
    _ change: (inout DatabaseOptions) -> Void = { _ in }
  ) throws {
    self.disk = disk
    self.clock = clock ?? SimulatedClock(nowMilliseconds: ReceiverBench.now)
    let clock = self.clock
    var options = DatabaseOptions(directory: "/data")
    change(&options)
    database = try Database.open(options, disk: disk, clock: clock, log: log, registry: registry)
    try database.restore()
    receiver = Receiver(
      Intake(
        Appender(database), limits: limits, clock: clock, log: log, metrics: ReceiverMetrics(registry),
        replicas: HATracker(
          ha, path: database.layout.haLeaders, disk: disk, clock: clock, log: log, damaged: database.damaged,
          registry: registry)))
  }

  func receive(_ body: [UInt8], _ encoding: BodyEncoding = .identity) -> ReceiveOutcome {
    body.lend { receiver.receive($0, encoding: encoding) }
  }

  /// The samples of every series whose label has the value, by the series' text.
  func stored(_ name: String = "job", _ value: String = "test") throws -> [String: [(time: Int64, bits: UInt64)]] {
    let series = try database.head.select([CompiledMatcher(Matcher(.equal, name, value))])
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    var found: [String: [(time: Int64, bits: UInt64)]] = [:]
    for one in series {
      database.head.read(one, from: .min, through: .max, &scratch, into: &samples)
      found["\(one.labels)"] = (0..<samples.count).map { (samples.times[$0], samples.values[$0]) }
    }
    return found
  }

  /// The counts of the histograms of all series of this name.
  func histogramCounts(_ name: String) throws -> [Double] {
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    var counts: [Double] = []
    for one in try database.head.select([CompiledMatcher(Matcher(.equal, "__name__", name))]) {
      database.head.read(one, from: .min, through: .max, &scratch, into: &samples)
      counts += samples.histograms.values.map(\.count)
    }
    return counts
  }

  /// All exemplars, by the name of their series and, where it has one, its bound.
  func exemplars() throws -> [String: [Exemplar]] {
    let all = try CompiledMatcher(Matcher(.regex, "__name__", ".+"))
    var found: [String: [Exemplar]] = [:]
    for series in database.head.exemplars(matching: [[all]], from: .min, through: .max) {
      let bound = series.labels["le"].map { " " + $0 } ?? ""
      found[(series.labels.metricName ?? "") + bound] = series.exemplars
    }
    return found
  }

  /// How many samples were refused for this reason, by the metric.
  func discarded(_ reason: String) -> Double {
    for family in registry.families() where family.name == "apus_discarded_samples_total" {
      for sample in family.samples where sample.labels.contains(where: { $0.value == reason }) { return sample.value }
    }
    return 0
  }
}

typealias RawLabel = (name: [UInt8], value: [UInt8])

/// A timeseries field from label bytes, as wrong as a test wants them; `more` goes behind the samples.
func rawSeries(_ labels: [RawLabel], _ samples: [(Int64, Double)], more: [UInt8] = []) -> [UInt8] {
  var series: [UInt8] = []
  for label in labels {
    var bytes: [UInt8] = []
    ProtobufBytes.append(bytes: label.name, field: 1, to: &bytes)
    ProtobufBytes.append(bytes: label.value, field: 2, to: &bytes)
    ProtobufBytes.append(bytes: bytes, field: 1, to: &series)
  }
  for (time, value) in samples {
    ProtobufBytes.append(bytes: ProtobufBytes.sample(time, value), field: 2, to: &series)
  }
  var body: [UInt8] = []
  ProtobufBytes.append(bytes: series + more, field: 1, to: &body)
  return body
}

/// A well-formed series of job="test".
func goodSeries(_ metric: String, _ samples: [(Int64, Double)] = [(ReceiverBench.now, 1)]) -> [UInt8] {
  rawSeries([label("__name__", metric), label("job", "test")], samples)
}

func label(_ name: String, _ value: String) -> RawLabel { (Array(name.utf8), Array(value.utf8)) }

func zstdCompressed(_ bytes: [UInt8]) throws -> [UInt8] {
  var encoder = ZstdEncoder()
  var output = ByteBuffer()
  try bytes.withUnsafeBytes { bytes in try encoder.encode(bytes, into: &output) }
  return Array(output.bytes)
}

extension ReceiveOutcome {
  /// The message of a body of which a part was refused.
  var partly: String? { if case .partly(let message) = self { message } else { nil } }
  var isMalformed: Bool { if case .malformed = self { true } else { false } }
  var isTooLarge: Bool { if case .tooLarge = self { true } else { false } }
}
