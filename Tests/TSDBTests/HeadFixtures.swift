import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

/// One series of a body, its labels as sent, its values as bits.
struct SentSeries {
  var labels: [(name: String, value: String)]
  var samples: [(time: Int64, bits: UInt64)]
  var exemplars: [Exemplar] = []

  init(_ labels: [(name: String, value: String)], _ samples: [(time: Int64, bits: UInt64)]) {
    self.labels = labels
    self.samples = samples
  }

  init(_ metric: String, _ number: Int, _ samples: [(Int64, Double)]) {
    self.init(
      [("__name__", metric), ("instance", "host-\(number)"), ("job", "test")],
      samples.map { ($0.0, $0.1.bitPattern) })
  }

  /// The series that these labels name: sorted, without empty values.
  var identity: Labels { Labels(labels.filter { !$0.value.isEmpty }.sorted { $0.name < $1.name }) }
}

func writeRequest(_ series: [SentSeries]) -> [UInt8] {
  var body = RemoteWriteBody()
  for one in series {
    body.add(
      one.labels.map { ($0.name, $0.value) },
      one.samples.map { (timestamp: $0.time, value: Double(bitPattern: $0.bits)) },
      more: one.exemplars.flatMap {
        RemoteWriteBody.exemplar($0.labels.pairs.map { ($0.name, $0.value) }, $0.time, Double(bitPattern: $0.value))
      })
  }
  return body.message
}

/// Writes bodies through an appender, as the intake does, and tells what became of each sample.
final class HeadWriter {
  private let batch = AppendBatch()
  private var labels = LabelFields()
  private var new = NewSeries()
  private var resolved: ResolvedRows?
  private(set) var refusals: [SeriesRefusal] = []
  private(set) var exemplarOutcomes: [ExemplarOutcome] = []
  private(set) var histogramOutcomes: [SampleOutcome?] = []
  var tally: AppendTally { batch.tally }

  deinit { resolved.take()?.abandon() }

  /// Per row the outcome of each sample; nil: its row was refused. Throws where the body must not be acknowledged.
  @discardableResult
  func write(_ series: [SentSeries], to head: Head, now: Int64) throws -> [[SampleOutcome?]] {
    try write(writeRequest(series), to: head, now: now)
  }

  @discardableResult
  func write(_ message: [UInt8], to head: Head, now: Int64) throws -> [[SampleOutcome?]] {
    try write(message, Appender(head), now: now)
  }

  /// The same, to a database with blocks.
  func write(_ message: [UInt8], to database: Database, now: Int64) throws -> [[SampleOutcome?]] {
    try write(message, Appender(database), now: now)
  }

  private func write(_ message: [UInt8], _ appender: Appender, now: Int64) throws -> [[SampleOutcome?]] {
    try append(message, appender, now: now)
    try commit()
    return (0..<batch.rows.rows.count).map { row in
      let start = Int(batch.rows.rows[row].sampleStart)
      return (start..<(start + Int(batch.rows.rows[row].sampleCount))).map { batch.outcome($0) }
    }
  }

  /// The part of a write before the log.
  func append(_ message: [UInt8], to head: Head, now: Int64) throws { try append(message, Appender(head), now: now) }

  func commit() throws { try resolved.take()?.commit() }

  private func append(_ message: [UInt8], _ appender: Appender, now: Int64) throws {
    refusals = []
    exemplarOutcomes = []
    histogramOutcomes = []
    resolved.take()?.abandon()
    try message.withUnsafeBytes { bytes in
      try WriteRequestScanner.scan(bytes, key: appender.key, into: &batch.rows)
      let rows = appender.begin(batch, now: now).settle().resolve { row, maker in
        let raw = batch.rows.labels(of: batch.rows.rows[row], in: bytes)
        let isWellFormed = labels.parse(raw)
        #expect(isWellFormed)
        labels.canonicalize(in: raw)
        new.set(labels, of: LentBytes(raw))
        if let refusal = maker.append(row, to: &new) { refusals.append(refusal) }
      }
      for part in batch.rows.histograms.elements { appendHistogram(part, bytes, rows) }
      for part in batch.rows.exemplars.elements { appendExemplar(part, bytes, rows) }
      resolved = consume rows
    }
  }

  private func appendHistogram(_ part: WritePart, _ bytes: UnsafeRawBufferPointer, _ rows: borrowing ResolvedRows) {
    guard let read = batch.rows.histogram(part, in: bytes) else {
      Issue.record("a histogram does not decode")
      return
    }
    histogramOutcomes.append(
      rows.append(read.histogram, isFloat: read.isFloat, at: read.timestamp, row: Int(part.row)))
  }

  private func appendExemplar(_ part: WritePart, _ bytes: UnsafeRawBufferPointer, _ rows: borrowing ResolvedRows) {
    let raw = UnsafeRawBufferPointer(rebasing: bytes[Int(part.offset)..<(Int(part.offset) + Int(part.length))])
    guard let read = ExemplarMessage(raw, &labels) else {
      Issue.record("an exemplar does not decode")
      return
    }
    labels.canonicalize(in: raw)
    var packed = ByteBuffer()
    labels.appendPacked(of: raw, to: &packed)
    let exemplar = NewExemplar(labels: packed.bytes, time: read.time, value: read.value)
    exemplarOutcomes.append(rows.append(exemplar, labelCount: labels.fields.count, row: Int(part.row)))
  }
}

/// Series by their labels, each with the bits of its value by time: what a head is held against.
typealias PlainSamples = [Labels: [Int64: UInt64]]

/// Exemplars by the labels of their series, oldest first.
typealias PlainExemplars = [Labels: [Exemplar]]

extension Head {
  func allExemplars() throws -> PlainExemplars {
    var all: PlainExemplars = [:]
    let matcher = try CompiledMatcher(Matcher(.regex, "__name__", ".+"))
    for series in exemplars(matching: [[matcher]], from: .min, through: .max) { all[series.labels] = series.exemplars }
    return all
  }

  /// Everything there is, by way of a selection and reads. Also checks that each read is sorted.
  func everything(from first: Int64 = .min, through last: Int64 = .max) throws -> PlainSamples {
    var all: PlainSamples = [:]
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    let matcher = try CompiledMatcher(Matcher(.regex, "__name__", ".+"))
    for series in try select([matcher]) {
      read(series, from: first, through: last, &scratch, into: &samples)
      var found: [Int64: UInt64] = [:]
      for index in 0..<samples.count {
        #expect(index == 0 || samples.times[index - 1] < samples.times[index])
        found[samples.times[index]] = samples.values[index]
      }
      #expect(all.updateValue(found, forKey: series.labels) == nil, "a series is selected once")
    }
    return all
  }
}

extension Database {
  /// Everything there is, in the head and in blocks, by way of a selection and reads.
  func everything(from first: Int64 = .min, through last: Int64 = .max) throws -> PlainSamples {
    var all: PlainSamples = [:]
    var scratch = DatabaseReadScratch()
    var samples = SeriesSamples()
    let selection = try select([try CompiledMatcher(Matcher(.regex, "__name__", ".+"))], from: first, through: last)
    for place in 0..<selection.count {
      selection.read(place, from: first, through: last, &scratch, into: &samples)
      var found: [Int64: UInt64] = [:]
      for index in 0..<samples.count {
        #expect(index == 0 || samples.times[index - 1] < samples.times[index])
        found[samples.times[index]] = samples.values[index]
      }
      #expect(all.updateValue(found, forKey: selection.labels(place)) == nil, "a series is selected once")
    }
    return all
  }
}

/// The first difference between what is wanted and what is there, as text; nil where there is none.
func difference(wanted: PlainSamples, found: PlainSamples) -> String? {
  for (labels, samples) in wanted {
    for (time, bits) in samples.sorted(by: { $0.key < $1.key }) where found[labels]?[time] != bits {
      let there = found[labels].map { series in series[time].map { String($0, radix: 16) } ?? "no sample" }
      return "\(labels) at \(time): \(String(bits, radix: 16)) wanted, \(there ?? "no series")"
    }
  }
  for (labels, samples) in found {
    for time in samples.keys.sorted() where wanted[labels]?[time] == nil { return "\(labels) at \(time): not wanted" }
  }
  return nil
}

/// A database's disk, clock and log, which outlive it.
final class DatabaseSetup {
  /// A round two hours.
  static let epoch: Int64 = 7_200_000 * 236_000
  let disk: SimulatedDisk
  let clock: SimulatedClock
  let kept = KeptLog()
  var options: DatabaseOptions
  /// Of the database that was opened last.
  private(set) var registry = MetricsRegistry()

  /// Everything that happens follows from the calls and the seed.
  init(now: Int64 = DatabaseSetup.epoch, sync: WALSync = .interval, seed: UInt64 = 1) {
    clock = SimulatedClock(nowMilliseconds: now)
    disk = SimulatedDisk(clock: clock)
    options = DatabaseOptions(directory: "/data")
    options.walSync = sync
    options.random = RandomNumbers(seed: seed)
    options.retentionMilliseconds = 0
  }

  var now: Int64 { clock.nowMilliseconds() }

  /// Opened and restored; not started, so that nothing happens by itself, and to let go of it is to be killed.
  func open() throws -> Database {
    registry = MetricsRegistry()
    let database = try Database.open(options, disk: disk, clock: clock, log: kept.log, registry: registry)
    try database.restore()
    return database
  }

  /// Ends a database cleanly.
  func close(_ database: Database) throws {
    try database.start()
    database.close()
  }

  /// How often the last start found a file damaged.
  func damaged(_ name: String) -> Int {
    registry.counter("apus_damaged_files_total", "", labels: [("file", name)]).value
  }

  func logged(_ text: String) -> Bool { kept.lines.contains { $0.contains(text) } }
}
