import Format
import Model
import TestKit
import Testing

@testable import TSDB

/// Rows whose name belongs to a pair: what the head does with them between the look-up and the verdict.
@Suite struct ReplicatedRowTests {
  private func scan(_ series: [SentSeries], _ head: Head, into batch: inout AppendBatch) throws {
    try writeRequest(series).withUnsafeBytes { bytes in
      try WriteRequestScanner.scan(bytes, key: head.hash, into: &batch.rows)
    }
  }

  private func sent(_ number: Int, _ replica: String, _ time: Int64) -> SentSeries {
    SentSeries(
      [("__name__", "x"), ("__replica__", replica), ("number", "\(number)")], [(time, (1.0).bitPattern)])
  }

  /// Makes the series of 50 numbers known under the names a replica gives them.
  private func learn(_ head: Head, _ batch: inout AppendBatch, at time: Int64, pair: UInt16) throws {
    try scan((0..<50).map { sent($0, "a", time) }, head, into: &batch)
    head.appendKnown(&batch, now: time)
    #expect(batch.unknown.count == 50)
    var new = NewSeries()
    for number in 0..<50 {
      let labels = Labels([("__name__", "x"), ("number", "\(number)")])
      labels.packed.withUnsafeBytes { new.set(packed: $0) }
      #expect(head.appendNew(row: number, &new, &batch, now: time, pair: pair) == nil)
    }
    try head.commit(&batch)
    head.checkInvariants()
  }

  @Test("nothing of them is appended before the verdict, and what is refused leaves no trace")
  func waiting() throws {
    let setup = DatabaseSetup()
    let head = try setup.open().head
    var batch = AppendBatch()
    let time = setup.now
    try learn(head, &batch, at: time, pair: 5)
    try scan((0..<50).map { sent($0, "a", time + 1000) }, head, into: &batch)
    head.appendKnown(&batch, now: time)
    #expect(batch.replicated.sorted() == Array(0..<50) && batch.unknown.isEmpty && batch.tally.stored == 0)
    for row in 0..<50 { #expect(batch.pairs[row] == 5) }
    for row in 25..<50 { batch.refuse(row) }
    for row in 0..<50 { batch.pairs[row] = 1 }
    batch.supersededThrough = [.min]
    batch.replicated = Array(0..<25)
    head.appendReplicated(&batch, now: time)
    #expect(batch.tally.accepted == 25 && batch.tally.refused == 0)
    try head.commit(&batch)
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    for series in try head.select([CompiledMatcher(Matcher(.equal, "__name__", "x"))]) {
      head.read(series, from: .min, through: .max, &scratch, into: &samples)
      let isRefused = (25..<50).contains { series.labels == Labels([("__name__", "x"), ("number", "\($0)")]) }
      #expect(samples.count == (isRefused ? 1 : 2))
    }
  }

  @Test(
    "a row whose series ends while its verdict is awaited is looked up again, not appended to the slot's next series")
  func recycled() throws {
    let setup = DatabaseSetup()
    let head = try setup.open().head
    var batch = AppendBatch()
    let time = setup.now
    try learn(head, &batch, at: time, pair: 5)
    try scan((0..<50).map { sent($0, "a", time + 2000) }, head, into: &batch)
    head.appendKnown(&batch, now: time)
    #expect(head.truncate(before: time + 1).seriesRemoved == 50)
    // Others take the slots.
    try HeadWriter().write((0..<500).map { SentSeries("other", $0, [(time + 1000, 7)]) }, to: head, now: time)
    for row in 0..<50 { batch.pairs[row] = 1 }
    batch.supersededThrough = [.min]
    head.appendReplicated(&batch, now: time)
    #expect(batch.unknown.sorted() == Array(0..<50) && batch.tally.stored == 0)
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    for series in try head.select([CompiledMatcher(Matcher(.equal, "__name__", "other"))]) {
      head.read(series, from: .min, through: .max, &scratch, into: &samples)
      #expect(samples.count == 1)
    }
    head.checkInvariants()
  }
}
