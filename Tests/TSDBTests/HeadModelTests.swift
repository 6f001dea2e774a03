import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

/// The head's rules over plain dictionaries. One row a series in a body; all in memory.
private struct HeadModel {
  var samples: PlainSamples = [:]
  /// The last in-order time of each series.
  var last: [Labels: Int64] = [:]
  var window: Int64?

  /// What becomes of a body sent at `now`, and the model after it.
  mutating func write(_ body: [SentSeries], now: Int64) -> [[SampleOutcome?]] {
    let oldest = window.map { now - max($0, 3_600_000) } ?? .min
    let lateOldest = window.map { now - $0 } ?? .min
    var outcomes: [[SampleOutcome?]] = []
    for series in body {
      var row: [SampleOutcome?] = []
      for (time, bits) in series.samples {
        let outcome = verdict(series.identity, time, bits, oldest, lateOldest, now)
        row.append(outcome)
        if outcome == .accepted {
          last[series.identity] = time
        }
        if outcome == .accepted || outcome == .late { samples[series.identity, default: [:]][time] = bits }
      }
      outcomes.append(row)
    }
    return outcomes
  }

  private func verdict(
    _ series: Labels, _ time: Int64, _ bits: UInt64, _ oldest: Int64, _ lateOldest: Int64, _ now: Int64
  ) -> SampleOutcome {
    if time > now + 600_000 { return .tooFarInFuture }
    if time > last[series] ?? .min && time >= oldest { return .accepted }
    if let present = samples[series]?[time] { return present == bits ? .duplicate : .conflict }
    if window == 0 { return time < oldest ? .outOfBounds : .outOfOrder }
    return time < lateOldest ? .tooOld : .late
  }
}

@Suite struct HeadModelTests {
  private static let specialBits: [UInt64] = [
    0x7ff0_0000_0000_0002, 0x7ff8_0000_0000_0001, 0x7ff8_0000_0000_0000, 0xfff8_0000_dead_beef, 0, 1 << 63,
    0x7ff0_0000_0000_0000, 0xfff0_0000_0000_0000, 1,
  ]

  /// A value of one of several kinds: constant, counting, gauge, bits of any sort.
  private func bits(_ kind: Int, _ time: Int64, _ random: inout RandomSource) -> UInt64 {
    switch kind % 5 {
    case 0: return 42.5.bitPattern
    case 1: return Double(time / 1000).bitPattern
    case 2: return (random.unit() * 100).bitPattern
    case 3: return random.next()
    default: return HeadModelTests.specialBits[random.below(HeadModelTests.specialBits.count)]
    }
  }

  /// One of several ways to send the same labels.
  private func spelling(_ number: Int, _ random: inout RandomSource) -> [(name: String, value: String)] {
    var labels: [(name: String, value: String)] = [
      ("__name__", "metric_\(number % 3)"), ("instance", "host-\(number)"), ("job", "test"),
    ]
    switch random.below(6) {
    case 0: labels.swapAt(0, 2)
    case 1: labels.append(("zone", ""))
    case 2: labels.insert(("", ""), at: 1)
    default: break
    }
    return labels
  }

  private func randomBody(
    _ seriesCount: Int, _ base: Int64, _ now: Int64, _ present: PlainSamples, _ random: inout RandomSource
  ) -> [SentSeries] {
    var body: [SentSeries] = []
    for number in 0..<seriesCount where random.below(4) != 0 {
      var series = SentSeries(spelling(number, &random), [])
      for _ in 0..<[0, 1, 1, 1, 1, 2, 5][random.below(7)] {
        let ago: Int64 =
          switch random.below(20) {
          case 0: -Int64(random.below(700_000))
          case 1: Int64(random.below(10_000_000))
          case 2, 3, 4: Int64(random.below(3_600_000))
          default: Int64(random.below(4)) * 1000
          }
        let time = base - ago
        series.samples.append((time, bits(number, time, &random)))
        if random.below(10) == 0, let known = present[series.identity]?.randomElement(using: &random) {
          series.samples.append((known.key, random.below(2) == 0 ? known.value : random.next()))
        }
      }
      body.append(series)
    }
    return body
  }

  /// Bodies of any kind with a clock that goes on: the outcome of every sample, and what is read back.
  private func run(seed: UInt64, window: Int64?, bodies: Int, step: Int64, files: Bool) throws {
    var random = RandomSource(seed: seed)
    let setup = DatabaseSetup()
    setup.options.head.lateWindowMilliseconds = window
    let database = try setup.open()
    let writer = HeadWriter()
    var model = HeadModel()
    model.window = window
    for round in 0..<bodies {
      setup.clock.stepWall(milliseconds: step / 2 + Int64(random.below(Int(step))))
      let body = randomBody(12, setup.now, setup.now, model.samples, &random)
      let found = try writer.write(body, to: database.head, now: setup.now)
      let wanted = model.write(body, now: setup.now)
      for (row, series) in body.enumerated() {
        for (sample, (time, bits)) in series.samples.enumerated() where found[row][sample] != wanted[row][sample] {
          let kept = model.samples[series.identity]?[time] == bits
          // A sample that is there is a success, however it was found; with chunks in files a conflict may go unseen.
          let isAllowed =
            found[row][sample] == .present && kept
            || found[row][sample] == .lateDuplicate && wanted[row][sample] == .duplicate
            || files && found[row][sample] == .late
              && (wanted[row][sample] == .duplicate || wanted[row][sample] == .conflict)
            || files && found[row][sample] != .accepted && found[row][sample] != .duplicate
              && wanted[row][sample] == .conflict
            // A conflict that went unseen is what its own retry is compared with.
            || files && found[row][sample] == .conflict && wanted[row][sample] == .duplicate
            || found[row][sample]?.isStored == false && wanted[row][sample] == .conflict
              && time < setup.now - (window ?? .max / 2)
          #expect(
            isAllowed,
            "seed \(seed) round \(round) \(series.identity) at \(time): \(String(describing: found[row][sample])), wanted \(String(describing: wanted[row][sample]))"
          )
        }
      }
      if round % 10 == 9 { database.head.checkInvariants() }
      if files && round % 25 == 24 {
        try database.head.writeCompletedChunks()
        database.head.checkInvariants()
      }
      if round % 40 == 39 || round == bodies - 1 {
        let difference = difference(wanted: model.samples, found: try database.head.everything())
        #expect(difference == nil, "seed \(seed) round \(round)")
      }
    }
    let ranges = (0..<20).map { _ in
      let first = DatabaseSetup.epoch + Int64(random.below(Int(step) * bodies)) - 3_600_000
      return (first, first + Int64(random.below(7_200_000)))
    }
    for (first, last) in ranges {
      let wanted = model.samples.mapValues { $0.filter { $0.key >= first && $0.key <= last } }
      let difference = difference(wanted: wanted, found: try database.head.everything(from: first, through: last))
      #expect(difference == nil, "seed \(seed) from \(first) through \(last)")
    }
    #expect(database.head.seriesCount == model.samples.count)
  }

  @Test("every outcome and every sample is what a plain model says, in memory", arguments: 1...6 as ClosedRange<UInt64>)
  func inMemory(seed: UInt64) throws {
    try run(seed: seed, window: 3_600_000, bodies: 250, step: 15_000, files: false)
  }

  @Test("so it is with chunks that go to files", arguments: 11...14 as ClosedRange<UInt64>)
  func withFiles(seed: UInt64) throws {
    try run(seed: seed, window: 3_600_000, bodies: 250, step: 60_000, files: true)
  }

  @Test(
    "so it is without late samples, with a long window and with none", arguments: [0, 6 * 3_600_000, nil] as [Int64?])
  func otherWindows(window: Int64?) throws {
    try run(seed: 21, window: window, bodies: 200, step: 30_000, files: false)
  }

  @Test("a body of several threads' making: every stored sample is read back, none twice, none of another series")
  func threads() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let head = database.head
    let now = setup.now
    let parts = onThreads(4) { thread -> [(Labels, Int64, UInt64)] in
      var random = RandomSource(seed: UInt64(thread) + 77)
      let writer = HeadWriter()
      var stored: [(Labels, Int64, UInt64)] = []
      for round in 0..<120 {
        var body: [SentSeries] = []
        for number in 0..<40 {
          // Half of the series are everybody's, and all write the same values there.
          let name = number < 20 ? "shared" : "own_\(thread)"
          let time = now + Int64(round) * 1000 - (random.below(8) == 0 ? 5000 : 0)
          let value = number % 2 == 0 ? Double(number) : Double(time % 977)
          body.append(SentSeries(name, number, [(time, value)]))
        }
        guard let outcomes = try? writer.write(body, to: head, now: now) else { return [] }
        for (series, row) in zip(body, outcomes) {
          for (sample, outcome) in zip(series.samples, row) where outcome?.isStored == true {
            stored.append((series.identity, sample.time, sample.bits))
          }
        }
      }
      return stored
    }
    head.checkInvariants()
    var wanted: PlainSamples = [:]
    for part in parts {
      #expect(part.count == 120 * 40)
      for (labels, time, bits) in part { wanted[labels, default: [:]][time] = bits }
    }
    #expect(difference(wanted: wanted, found: try head.everything()) == nil)
    #expect(head.seriesCount == 20 + 4 * 20)
    // And from the log, whose records may be in another order than the memory.
    let again = try setup.open()
    again.head.checkInvariants()
    #expect(difference(wanted: wanted, found: try again.head.everything()) == nil)
  }

  @Test("chunks end after about 120 samples and at the two hours, whatever the values")
  func chunkCutting() throws {
    for kind in 0..<5 {
      var random = RandomSource(seed: UInt64(kind))
      let setup = DatabaseSetup()
      let database = try setup.open()
      let writer = HeadWriter()
      var wanted: PlainSamples = [:]
      let start = DatabaseSetup.epoch + 1_234_567
      setup.clock.stepWall(milliseconds: 100_000_000)
      for step in 0..<700 as Range<Int64> {
        let time = start + step * 15_000
        let sent = SentSeries([("__name__", "m")], [(time, bits(kind, time, &random))])
        #expect(try writer.write([sent], to: database.head, now: setup.now) == [[.accepted]])
        wanted[sent.identity, default: [:]][time] = sent.samples[0].bits
        if step == 500 { try database.head.writeCompletedChunks() }
      }
      database.head.checkInvariants()
      var chunks: [SeriesChunk] = []
      for shard in database.head.shards {
        shard.state.withLock { state in
          state.records.forEach { _, record in
            state.forEachChunk(of: record) { chunk in
              chunks.append(chunk.pointee)
              return true
            }
          }
        }
      }
      let range = HeadShard.chunkRangeMilliseconds
      #expect(chunks.allSatisfy { $0.start / range == $0.end / range }, "a chunk crosses two hours")
      #expect(chunks.contains { $0.isInMemory } && chunks.contains { !$0.isInMemory })
      #expect((5...12).contains(chunks.count), "\(chunks.count) chunks of 700 samples")
      #expect(database.head.chunkCount == chunks.count + 1)
      #expect(difference(wanted: wanted, found: try database.head.everything()) == nil)
    }
  }

  @Test("a series that has not changed owns no bytes")
  func constantSeries() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let writer = HeadWriter()
    for step in 0..<100 as Range<Int64> {
      let body = (0..<50).map { SentSeries("flat", $0, [(setup.now + step * 5000, 7)]) }
      try writer.write(body, to: database.head, now: setup.now + 600_000)
    }
    #expect(database.head.shards.allSatisfy { $0.state.withLock { $0.slabs.usedBytes == 0 } })
    database.head.checkInvariants()
    #expect(try database.head.everything().values.allSatisfy { $0.count == 100 })
  }

  @Test("times at the very ends of what 64 bits hold are refused or kept, and nothing traps")
  func extremeTimes() throws {
    let times: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max, DatabaseSetup.epoch, -7_200_000, 3_600_000]
    for first in times {
      let setup = DatabaseSetup()
      let database = try setup.open()
      let writer = HeadWriter()
      var wanted: PlainSamples = [:]
      for (step, time) in ([first] + times + [first]).enumerated() {
        let sent = SentSeries([("__name__", "m"), ("n", "\(step % 2)")], [(time, UInt64(step))])
        let outcome = try writer.write([sent], to: database.head, now: setup.now)[0][0]
        if outcome?.isStored == true, wanted[sent.identity]?[time] == nil {
          wanted[sent.identity, default: [:]][time] = UInt64(step)
        }
      }
      database.head.checkInvariants()
      #expect(difference(wanted: wanted, found: try database.head.everything()) == nil, "first \(first)")
      database.head.completeIdleChunks(lastBefore: .max)
      database.head.completeLateSamples()
      database.head.checkInvariants()
      #expect(difference(wanted: wanted, found: try database.head.everything()) == nil, "first \(first), completed")
      let again = try setup.open()
      #expect(difference(wanted: wanted, found: try again.head.everything()) == nil, "first \(first), reopened")
    }
  }
}
