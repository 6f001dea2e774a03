import TestKit
import Testing

@testable import TSDB

private struct Name: Hashable {
  var high: UInt64
  var low: UInt32
}

@Suite struct SpellingTableTests {
  private func expectSame(_ table: borrowing SpellingTable, _ plain: [Name: UInt32], _ note: String) {
    table.checkInvariants()
    #expect(table.count == plain.count, "\(note)")
    for (name, location) in plain {
      #expect(table.find(high: name.high, low: name.low).raw == location, "\(note)")
      #expect(plain[Name(high: name.high, low: ~name.low)] != nil || table.find(high: name.high, low: ~name.low).isNone)
    }
  }

  @Test("inserting, renaming and removing keep the table what a dictionary says")
  func againstDictionary() {
    for seed in 1...8 as ClosedRange<UInt64> {
      var random = RandomSource(seed: seed)
      var table = SpellingTable()
      var plain: [Name: UInt32] = [:]
      for round in 0..<20 {
        for _ in 0..<random.below(400) {
          let name = Name(high: random.next(), low: UInt32(truncatingIfNeeded: random.next()) & ~15)
          let location = UInt32(random.below(1 << 20))
          table.insert(high: name.high, low: name.low, SeriesLocation(raw: location))
          plain[name] = location
        }
        for name in plain.keys.prefix(random.below(20)) {
          table.insert(high: name.high, low: name.low, SeriesLocation(raw: UInt32(round)))
          plain[name] = UInt32(round)
        }
        if round % 3 == 2 {
          let part = UInt32(random.below(5))
          table.removeAll { $0.raw % 5 == part }
          plain = plain.filter { $0.value % 5 != part }
        }
        expectSame(table, plain, "seed \(seed) round \(round)")
        for name in Array(plain.keys.prefix(random.below(200))) {
          table.remove(high: name.high, low: name.low)
          // A second time, and one that was never there.
          table.remove(high: name.high, low: name.low)
          table.remove(high: name.high, low: ~name.low)
          plain[name] = nil
          table.checkInvariants()
        }
        expectSame(table, plain, "seed \(seed) round \(round), one by one")
      }
      let before = table.byteCount
      table.removeAll { _ in true }
      expectSame(table, [:], "seed \(seed) emptied")
      #expect(table.byteCount <= before && table.byteCount == SpellingTable().byteCount)
    }
  }

  @Test("hashes with equal upper bits form one long run, at the start, in the middle and at the very end")
  func longRuns() {
    for upper in [0, 0x8000_0000, 0xffff_ffff] as [UInt64] {
      // At the very end a run has 255 slots; hashes are keyed, so that nobody can aim there.
      let count = upper == 0xffff_ffff ? 250 : 3000
      var table = SpellingTable()
      var plain: [Name: UInt32] = [:]
      for number in 0..<count {
        let name = Name(high: upper << 32 | UInt64(number / 2), low: UInt32(number % 2) << 4)
        table.insert(high: name.high, low: name.low, SeriesLocation(raw: UInt32(number)))
        plain[name] = UInt32(number)
        if number % 100 == 99 { expectSame(table, plain, "\(upper) \(number)") }
      }
      expectSame(table, plain, "\(upper)")
      #expect(table.find(high: upper << 32 | 0xffff_fff0, low: 0).isNone)
      table.removeAll { $0.raw % 3 == 1 }
      plain = plain.filter { $0.value % 3 != 1 }
      expectSame(table, plain, "\(upper) after removing")
    }
  }

  @Test("every small table, with each name removed in turn, finds all the others")
  func everySmallTable() {
    for count in 1...60 {
      for removed in 0..<count {
        var table = SpellingTable()
        // Three homes only, so that the runs of several meet.
        for number in 0..<count {
          table.insert(high: UInt64(number % 3) << 32 | UInt64(number), low: 7, SeriesLocation(raw: UInt32(number)))
        }
        table.removeAll { $0.raw == UInt32(removed) }
        for number in 0..<count {
          let found = table.find(high: UInt64(number % 3) << 32 | UInt64(number), low: 7)
          #expect(found.raw == (number == removed ? SeriesLocation.none.raw : UInt32(number)))
        }
      }
    }
  }

  @Test("what was resolved in another generation is not found, and goes; identities stay")
  func generations() {
    var table = SpellingTable()
    for number in 0..<500 as Range<UInt64> {
      let location = SeriesLocation(raw: UInt32(number))
      table.insert(high: number << 40, low: 3, location)
      for generation in 1...3 as ClosedRange<UInt32> {
        table.insert(high: number << 40, low: 3, number % 5 == 0 ? .dropped : location, generation: generation)
      }
    }
    table.checkInvariants()
    #expect(table.count == 2000 && table.droppedCount == 300)
    #expect(
      table.findSpelling(high: 5 << 40, low: 3, generation: 2).location.isDropped
        && table.findSpelling(high: 5 << 40, low: 3).location.raw == 5)
    #expect(table.findSpelling(high: 5 << 40, low: 3, generation: 4).location.raw == SeriesLocation.none.raw)
    table.forgetSpellings(except: 2)
    table.checkInvariants()
    #expect(table.count == 1000 && table.droppedCount == 100)
    #expect(
      table.findSpelling(high: 6 << 40, low: 3, generation: 2).location.raw == 6
        && table.findSpelling(high: 6 << 40, low: 3, generation: 1).location.isNone)
    table.forgetSpellings(except: 0)
    #expect(table.count == 500 && table.droppedCount == 0)
    for number in 0..<500 as Range<UInt64> {
      #expect(table.findSpelling(high: number << 40, low: 3).location.raw == UInt32(number))
    }
  }

  @Test("names that are dropped are forgotten together once there are too many; the others never")
  func droppedBound() {
    var table = SpellingTable()
    table.insert(high: 7, low: 0, SeriesLocation(raw: 7))
    var random = RandomSource(seed: 11)
    for _ in 0..<(SpellingTable.droppedMax * 2 + 100) {
      table.insert(high: random.next(), low: 0, .dropped, generation: 1)
    }
    #expect(table.droppedCount == 100 && table.count == 101)
    #expect(table.byteCount < 4 << 20)
    #expect(table.find(high: 7, low: 0).raw == 7)
  }
}

@Suite struct TaggedSpellingTests {
  private func low(_ number: Int) -> UInt32 { UInt32(number) << 4 }

  @Test("a spelling with a tag is found as that, and never as a series of its own")
  func tags() {
    var table = SpellingTable()
    table.insert(high: 1, low: low(1), SeriesLocation(raw: 10))
    table.insert(high: 2, low: low(2), SeriesLocation(raw: 10), tag: 7)
    table.insert(high: 3, low: low(3), .unplaced, tag: 8)
    #expect(table.findSpelling(high: 2, low: low(2)).tag == 7)
    #expect(table.findSpelling(high: 2, low: low(2)).location.raw == 10)
    #expect(table.find(high: 2, low: low(2)).isNone)
    #expect(table.find(high: 1, low: low(1)).raw == 10)
    #expect(table.findSpelling(high: 3, low: low(3)).location == .unplaced && table.unplacedCount == 1)
    var named: [UInt32] = []
    table.forEach { named.append($0.raw) }
    #expect(named.sorted() == [10, 10])
    // Its rows are taken from now on; later the labels are a series of their own.
    table.insert(high: 3, low: low(3), SeriesLocation(raw: 11), tag: 8)
    #expect(table.unplacedCount == 0)
    table.insert(high: 3, low: low(3), SeriesLocation(raw: 12))
    #expect(table.find(high: 3, low: low(3)).raw == 12)
    table.checkInvariants()
  }

  @Test("a distrusted spelling stays the series' own, whoever learns it as another's, until it is trusted again")
  func distrust() {
    var table = SpellingTable()
    for number in 1...100 { table.insert(high: UInt64(number) << 32, low: 0, SeriesLocation(raw: UInt32(number))) }
    table.insert(high: 7, low: 0, SeriesLocation(raw: 20), tag: 3)
    table.distrust { $0.raw % 10 == 0 }
    table.insert(high: 20 << 32, low: 0, SeriesLocation(raw: 500), tag: 3)
    for number in 1...100 {
      let found = table.findSpelling(high: UInt64(number) << 32, low: 0)
      #expect(found.location.raw == UInt32(number))
      #expect(found.tag == (number % 10 == 0 ? SpellingTable.distrusted : 0))
      #expect(table.find(high: UInt64(number) << 32, low: 0).raw == UInt32(number))
    }
    #expect(table.findSpelling(high: 7, low: 0).tag == 3)
    table.distrust { _ in false }
    for number in 1...100 { #expect(table.findSpelling(high: UInt64(number) << 32, low: 0).tag == 0) }
    table.checkInvariants()
  }

  @Test("spellings without a series are dropped when they become more than the others")
  func unplacedBound() {
    var table = SpellingTable()
    var random = RandomSource(seed: 3)
    var placed: [UInt64] = []
    for number in 0..<50_000 {
      let high = random.next()
      if number % 100 == 0 {
        table.insert(high: high, low: 0, SeriesLocation(raw: UInt32(number)))
        placed.append(high)
      } else {
        table.insert(high: high, low: 0, .unplaced, tag: 1)
      }
      #expect(table.unplacedCount <= 4097)
    }
    table.checkInvariants()
    #expect(placed.allSatisfy { !table.find(high: $0, low: 0).isNone })
  }
}
