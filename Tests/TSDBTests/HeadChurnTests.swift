import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

@Suite struct HeadChurnTests {
  private func usedBytes(_ head: Head) -> Int {
    head.shards.reduce(0) { $0 + $1.state.withLock { $0.slabs.usedBytes + $0.spellings.byteCount } }
  }

  private func slotCount(_ head: Head) -> Int {
    head.shards.reduce(0) { $0 + $1.state.withLock { $0.records.slotCount } }
  }

  @Test("series come and go: what is read is what a model says, and memory follows")
  func churn() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let head = database.head
    let writer = HeadWriter()
    var model: PlainSamples = [:]
    var random = RandomSource(seed: 9)
    var cells: [Int] = []
    for generation in 0..<30 {
      setup.clock.stepWall(milliseconds: 1_800_000)
      let now = setup.now
      // Some series stay, 150 are of this generation; odd generations bring names of earlier ones back.
      let numbers = Array(0..<10) + (0..<150).map { 1000 * (generation % 8) + $0 + 10 }
      for round in 0..<8 as Range<Int64> {
        let body = numbers.map { number in
          SentSeries("churn", number, [(now + round * 15_000, random.unit())])
        }
        let outcomes = try writer.write(body, to: head, now: now + 200_000)
        for (series, row) in zip(body, outcomes) {
          #expect(row == [.accepted])
          model[series.identity, default: [:]][series.samples[0].time] = series.samples[0].bits
        }
      }
      if generation % 2 == 1 { try head.writeCompletedChunks() }
      let before = now - 3_600_000
      let held = try head.select([CompiledMatcher(Matcher(.equal, "__name__", "churn"))])
      _ = head.truncate(before: before)
      head.checkInvariants()
      for (labels, samples) in model {
        // A chunk stays as long as its last sample is young enough.
        if (samples.keys.max() ?? .min) < before { model[labels] = nil }
      }
      let found = try head.everything()
      #expect(Set(found.keys) == Set(model.keys), "generation \(generation)")
      for (labels, samples) in found {
        for (time, bits) in samples { #expect(model[labels]?[time] == bits) }
        for time in model[labels]?.keys.filter({ $0 >= before }) ?? [] { #expect(samples[time] != nil) }
      }
      try expectOwn(held, head, model)
      cells.append(usedBytes(head))
    }
    #expect(head.seriesCount < 700)
    // 4,500 series came; slots and cells are those of the few generations that were there at a time.
    #expect(slotCount(head) < 1000)
    #expect((cells.suffix(10).max() ?? 0) <= (cells.prefix(10).max() ?? 0) * 5 / 4, "\(cells)")
  }

  /// Selections made before series left find their own series or nothing.
  private func expectOwn(_ held: [HeadSelection], _ head: Head, _ model: PlainSamples) throws {
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    for series in held {
      head.read(series, from: .min, through: .max, &scratch, into: &samples)
      for index in 0..<samples.count {
        #expect(model[series.labels]?[samples.times[index]] == samples.values[index])
      }
    }
  }

  @Test("names that never come back leave nothing behind, however many there were")
  func symbols() throws {
    let setup = DatabaseSetup()
    let head = try setup.open().head
    let writer = HeadWriter()
    var symbolBytes: [Int] = []
    for generation in 0..<12 {
      setup.clock.stepWall(milliseconds: 1_800_000)
      let now = setup.now
      let numbers = (0..<9000).map { generation * 9000 + $0 }
      let stays = SentSeries("stays", 1, [(now, Double(generation))])
      let outcomes = try writer.write(
        numbers.map { SentSeries("pods", $0, [(now, 1)]) } + [stays], to: head, now: now)
      #expect(outcomes.allSatisfy { $0 == [.accepted] })
      _ = head.truncate(before: now - 3_000_000)
      if generation % 3 == 2 { try head.writeCompletedChunks() }
      let index = head.index.state.withLock { state in
        (state.index.symbols.count, state.index.symbols.idLimit, state.entries.byteCount, state.index.symbols.byteCount)
      }
      // Two generations are there at a time.
      #expect(index.0 < 45_000 && index.1 < 90_000, "generation \(generation): \(index)")
      #expect(index.2 < 4 * 16384 * 8 + 4096)
      symbolBytes.append(index.3)
      head.index.withIndex { $0.symbols.checkInvariants() }
      head.checkInvariants()
    }
    #expect((symbolBytes.suffix(6).max() ?? 0) <= (symbolBytes.prefix(6).max() ?? 0) * 5 / 4, "\(symbolBytes)")
    let stays = try head.everything()[SentSeries("stays", 1, []).identity]
    #expect((stays?.count ?? 0) >= 2)
  }

  @Test("when every series has left, nothing is in use any more")
  func emptied() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let head = database.head
    let writer = HeadWriter()
    let now = setup.now
    for round in 0..<150 as Range<Int64> {
      let body = (0..<200).map { number in
        SentSeries("gone", number, [(now + round * 15_000, Double(number) * Double(round)), (now - round, 1)])
      }
      try writer.write(body, to: head, now: now + 3_000_000)
      if round == 100 { try head.writeCompletedChunks() }
    }
    head.checkInvariants()
    #expect(head.truncate(before: now + 10_000_000).seriesRemoved == 200)
    head.checkInvariants()
    #expect(head.shards.allSatisfy { $0.state.withLock { $0.slabs.usedBytes == 0 && $0.spellings.count == 0 } })
    #expect(head.index.state.withLock { $0.cells.usedBytes } == 0)
    #expect(head.index.withIndex { $0.postings.seriesCount } == 0)
    #expect(head.chunkCount == 0 && head.seriesCount == 0)
    #expect(try head.everything().isEmpty)
    // The names lead to new series, with new references.
    let outcomes = try writer.write(
      [SentSeries("gone", 7, [(now + 11_000_000, 5)])], to: head, now: now + 11_000_000)
    #expect(outcomes == [[.accepted]])
    #expect(try head.everything() == [SentSeries("gone", 7, []).identity: [now + 11_000_000: 5.0.bitPattern]])
    let again = try setup.open()
    again.head.checkInvariants()
    #expect(try again.head.everything()[SentSeries("gone", 7, []).identity]?[now + 11_000_000] == 5.0.bitPattern)
  }

  @Test("writers, readers and a truncation at once: no sample shows up in another's series")
  func concurrentChurn() throws {
    let setup = DatabaseSetup()
    let database = try setup.open()
    let head = database.head
    let start = setup.now
    // A series' values are its own number, so that a mistake shows.
    let faults = onThreads(4) { thread -> Int in
      var faults = 0
      let writer = HeadWriter()
      var scratch = HeadReadScratch()
      var samples = SeriesSamples()
      for round in 0..<60 {
        let time = start + Int64(round) * 120_000
        switch thread {
        case 0, 1:
          let body = (0..<60).map { number in
            let name = (round / 3) * 60 + number
            return SentSeries("c\(thread)", name, [(time, Double(name))])
          }
          do { try writer.write(body, to: head, now: time + 600_000) } catch { faults += 1 }
        case 2:
          _ = head.truncate(before: time - 600_000)
        default:
          guard let matcher = try? CompiledMatcher(Matcher(.regex, "__name__", "c.")),
            let selected = try? head.select([matcher])
          else { return 1 }
          for series in selected {
            head.read(series, from: .min, through: .max, &scratch, into: &samples)
            guard let number = series.labels["instance"]?.dropFirst(5), let value = Double(number) else { continue }
            for index in 0..<samples.count where samples.values[index] != value.bitPattern { faults += 1 }
          }
        }
      }
      return faults
    }
    #expect(faults.allSatisfy { $0 == 0 }, "\(faults)")
    head.checkInvariants()
  }

  @Test("limits refuse new series in words, and never known ones")
  func limits() throws {
    let setup = DatabaseSetup()
    setup.options.head.limits.activeSeriesMax = 10
    let database = try setup.open()
    let writer = HeadWriter()
    let t = setup.now
    let body = (0..<15).map { SentSeries("m", $0, [(t, 1)]) }
    let outcomes = try writer.write(body, to: database.head, now: t)
    #expect(outcomes.filter { $0 == [.accepted] }.count == 10 && writer.refusals.count == 5)
    #expect(writer.refusals.allSatisfy { $0 == .activeSeries(limit: 10, present: 10) })
    let later = try writer.write((0..<15).map { SentSeries("m", $0, [(t + 1, 1)]) }, to: database.head, now: t)
    #expect(later.filter { $0 == [.accepted] }.count == 10)
    database.head.checkInvariants()
    var options = setup.options.head
    options.limits = SeriesLimits()
    options.limits.seriesPerMetricMax = 12
    database.head.reconfigure(options)
    try writer.write((0..<15).map { SentSeries("m", $0, [(t + 2, 1)]) }, to: database.head, now: t)
    #expect(writer.refusals.count == 3 && database.head.seriesCount == 12)
    let again = try setup.open()
    #expect(again.head.seriesCount == 12, "limits are for new series")
  }
}
