import Format
import Model
import TestKit
import Testing

@testable import TSDB

// The order of an append is the compiler's to hold, and none of these lines compiles:
//
//     try appender.begin(batch, now: now).commit()             FoundRows has no commit: what waits is to be settled
//     try appender.begin(batch, now: now).settle().commit()    SettledRows has none: unknown rows are to be resolved
//     let found = ...; _ = found.settle(); _ = found.settle()  'found' consumed more than once
//     try resolved.commit(); resolved.append(exemplar, ...)    'resolved' used after consume
//
// What the compiler cannot see stops the process.
@Suite struct AppenderTests {
  private func scan(_ series: [SentSeries], _ head: Head, into batch: AppendBatch) throws {
    try writeRequest(series).withUnsafeBytes { bytes in
      try WriteRequestScanner.scan(bytes, key: head.hash, into: &batch.rows)
    }
  }

  @Test("an abandoned append is not in the log; the same body again logs it")
  func abandoned() throws {
    let time = DatabaseSetup.epoch
    let known = [SentSeries("known", 0, [(time, 1)])]
    let both = [SentSeries("known", 0, [(time + 1000, 2)]), SentSeries("new", 0, [(time + 1000, 3)])]
    for isRetried in [false, true] {
      let setup = DatabaseSetup()
      let head = try setup.open().head
      try HeadWriter().write(known, to: head, now: time)
      do {
        let writer = HeadWriter()
        // Let go of, which abandons it.
        try writer.append(writeRequest(both), to: head, now: time)
        #expect(writer.tally.accepted == 2)
      }
      if isRetried { #expect(try HeadWriter().write(both, to: head, now: time) == [[.duplicate], [.duplicate]]) }
      // As a crash leaves it.
      let restored = try setup.open().head
      #expect(try restored.everything().values.reduce(0) { $0 + $1.count } == (isRetried ? 3 : 1))
      restored.checkInvariants()
    }
  }

  @Test("a batch goes from one append to the next")
  func reused() throws {
    let setup = DatabaseSetup()
    let head = try setup.open().head
    let batch = AppendBatch()
    let time = setup.now
    for round in 0..<3 as Range<Int64> {
      try scan([SentSeries("x", 0, [(time + round, 1)])], head, into: batch)
      let found = Appender(head).begin(batch, now: time)
      #expect(found.unknown.isEmpty == false)
      if round == 1 { found.abandon() } else { try found.settle().resolve { _, _ in }.commit() }
    }
  }

  @Test("an append that nobody ends stops the process")
  func forgotten() async {
    await #expect(processExitsWith: .failure) {
      let head = try DatabaseSetup().open().head
      _ = Appender(head).begin(AppendBatch(), now: 0)
    }
  }

  @Test("a batch in two appends at once stops the process")
  func twice() async {
    await #expect(processExitsWith: .failure) {
      let head = try DatabaseSetup().open().head
      let batch = AppendBatch()
      let first = Appender(head).begin(batch, now: 0)
      Appender(head).begin(batch, now: 0).abandon()
      first.abandon()
    }
  }

  @Test("a histogram behind an exemplar stops the process")
  func histogramsFirst() async {
    await #expect(processExitsWith: .failure) {
      let head = try DatabaseSetup().open().head
      let batch = AppendBatch()
      try writeRequest([SentSeries("x", 0, [(0, 1)])]).withUnsafeBytes {
        try WriteRequestScanner.scan($0, key: head.hash, into: &batch.rows)
      }
      let rows = Appender(head).begin(batch, now: 0).settle().resolve { _, _ in }
      let exemplar = [UInt8]().withUnsafeBytes { NewExemplar(labels: $0, time: 0, value: 0) }
      _ = rows.append(exemplar, labelCount: 0, row: 0)
      _ = rows.append(Histogram(), isFloat: false, at: 0, row: 0)
      rows.abandon()
    }
  }
}
