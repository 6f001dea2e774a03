import Format
import Model
import TestKit
import Testing

@testable import TSDB

/// Rows whose spelling has a tag: what the head does with them between the look-up and the caller's decision.
@Suite struct TaggedRowTests {
  private let tag: UInt16 = 5

  private func scan(_ series: [SentSeries], _ head: Head, into batch: AppendBatch) throws {
    try writeRequest(series).withUnsafeBytes { bytes in
      try WriteRequestScanner.scan(bytes, key: head.hash, into: &batch.rows)
    }
  }

  private func sent(_ number: Int, _ time: Int64) -> SentSeries {
    SentSeries([("__name__", "x"), ("copy", "a"), ("number", "\(number)")], [(time, (1.0).bitPattern)])
  }

  /// Appends the rows that were found, all of one group, and those of `rows` of a refused one.
  private func settle(_ found: consuming FoundRows, refusing refused: Range<Int> = 0..<0) -> SettledRows {
    for row in found.tagged + found.unknown { found.tags[Int(row)] = refused.contains(Int(row)) ? 2 : 1 }
    return found.settle([AppendGroup(isTaken: true, tag: tag), AppendGroup(isTaken: false, tag: tag)])
  }

  /// Finds the series of 50 numbers, without the label that makes them somebody's copy.
  private func resolve(_ settled: consuming SettledRows) -> ResolvedRows {
    var new = NewSeries()
    return settled.resolve { row, maker in
      let labels = Labels([("__name__", "x"), ("number", "\(row)")])
      #expect(labels.packed.withUnsafeBytes { new.set(packed: LentBytes($0)) })
      #expect(maker.append(row, to: &new) == nil)
    }
  }

  /// Makes the series of 50 numbers known under spellings with the tag.
  private func learn(_ head: Head, _ batch: AppendBatch, at time: Int64) throws {
    try scan((0..<50).map { sent($0, time) }, head, into: batch)
    let found = Appender(head).begin(batch, now: time)
    #expect(found.unknown.count == 50)
    try resolve(settle(found)).commit()
    head.checkInvariants()
  }

  @Test("nothing of them is appended before the decision, and what is refused leaves no trace")
  func waiting() throws {
    let setup = DatabaseSetup()
    let head = try setup.open().head
    let batch = AppendBatch()
    let time = setup.now
    try learn(head, batch, at: time)
    try scan((0..<50).map { sent($0, time + 1000) }, head, into: batch)
    let found = Appender(head).begin(batch, now: time)
    #expect(found.tagged.sorted() == Array(0..<50) && found.unknown.isEmpty && batch.tally.stored == 0)
    for row in 0..<50 { #expect(found.tags[row] == tag) }
    let resolved = resolve(settle(found, refusing: 25..<50))
    #expect(batch.tally.accepted == 25 && batch.tally.refused == 0)
    #expect((0..<50).allSatisfy { batch.isRefused($0) == ($0 >= 25) && batch.group(of: $0) == ($0 >= 25 ? 1 : 0) })
    try resolved.commit()
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    for series in try head.select([CompiledMatcher(Matcher(.equal, "__name__", "x"))]) {
      head.read(series, from: .min, through: .max, &scratch, into: &samples)
      let isRefused = (25..<50).contains { series.labels == Labels([("__name__", "x"), ("number", "\($0)")]) }
      #expect(samples.count == (isRefused ? 1 : 2))
    }
  }

  @Test("without groups no tag means anything: the rows are resolved by their labels")
  func meaningless() throws {
    let setup = DatabaseSetup()
    let head = try setup.open().head
    let batch = AppendBatch()
    let time = setup.now
    try learn(head, batch, at: time)
    try scan((0..<50).map { sent($0, time + 1000) }, head, into: batch)
    var resolved: [Int] = []
    try Appender(head).begin(batch, now: time).settle().resolve { row, _ in resolved.append(row) }.commit()
    #expect(resolved == Array(0..<50) && batch.tally.stored == 0)
  }

  @Test("where only rows with a tag are of interest, all others are refused")
  func onlyTagged() throws {
    let setup = DatabaseSetup()
    let head = try setup.open().head
    let batch = AppendBatch()
    let time = setup.now
    try learn(head, batch, at: time)
    let others = (0..<50).map { SentSeries("other", $0, [(time, 7)]) }
    try HeadWriter().write(others, to: head, now: time)
    // 0 to 49 have a tag, 50 to 99 are known without one, 100 to 149 are not known.
    let unknown = (0..<50).map { SentSeries("unknown", $0, [(time, 7)]) }
    try scan((0..<50).map { sent($0, time + 1000) } + others + unknown, head, into: batch)
    let found = Appender(head).begin(batch, now: time, takesUntagged: false)
    for row in found.tagged { found.tags[Int(row)] = 1 }
    var resolved: [Int] = []
    try found.settle([AppendGroup(isTaken: true, tag: tag)]).resolve { row, _ in resolved.append(row) }.commit()
    #expect(resolved.isEmpty && batch.tally.accepted == 50 && batch.tally.stored == 50)
    #expect((0..<150).allSatisfy { batch.isRefused($0) == ($0 >= 50) })
  }

  @Test(
    "a row whose series ends while its decision is awaited is looked up again, not appended to the slot's next series")
  func recycled() throws {
    let setup = DatabaseSetup()
    let head = try setup.open().head
    let batch = AppendBatch()
    let time = setup.now
    try learn(head, batch, at: time)
    try scan((0..<50).map { sent($0, time + 2000) }, head, into: batch)
    let found = Appender(head).begin(batch, now: time)
    #expect(head.truncate(before: time + 1).seriesRemoved == 50)
    // Others take the slots.
    try HeadWriter().write((0..<500).map { SentSeries("other", $0, [(time + 1000, 7)]) }, to: head, now: time)
    var unresolved: [Int] = []
    let resolved = settle(found).resolve { row, _ in unresolved.append(row) }
    #expect(unresolved == Array(0..<50) && batch.tally.stored == 0)
    resolved.abandon()
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    for series in try head.select([CompiledMatcher(Matcher(.equal, "__name__", "other"))]) {
      head.read(series, from: .min, through: .max, &scratch, into: &samples)
      #expect(samples.count == 1)
    }
    head.checkInvariants()
  }
}
