import Model
import TestKit
import Testing

@testable import Scrape

@Suite struct SeenSeriesTests {
  private func hash(_ number: Int) -> KeyedHash128 {
    withUnsafeBytes(of: number) { KeyedHash.stable.hash128($0) }.shortened
  }

  @Test("in any order, with any churn, each text is found, and exactly those that end are owed a marker")
  func random() {
    var random = RandomSource(for: "texts of a target")
    var table = SeenSeries()
    var before: Set<Int> = []
    var flags: [Int: Bool] = [:]
    for round in 0..<200 {
      let count = random.below(round % 20 == 0 ? 2000 : 300)
      var now: Set<Int> = []
      let first = random.below(500)
      for _ in 0..<count {
        // Mostly one after the other, as a target exposes them.
        let number = random.below(4) == 0 ? random.below(3000) : first + now.count
        let isTracked = random.below(5) > 0
        if let place = table.find(hash(number)) {
          #expect(table.isSeen(place) == now.contains(number))
          table.see(place, isTracked: isTracked)
        } else {
          #expect(!now.contains(number) && flags[number] == nil)
          _ = table.insert(hash(number), isTracked ? .tracked : .none)
        }
        flags[number] = now.contains(number) ? flags[number] == true || isTracked : isTracked
        now.insert(number)
      }
      table.checkInvariants()
      let hasFailed = random.below(4) == 0
      var owed: [KeyedHash128: Int] = [:]
      table.forEachEnded(hasFailed: hasFailed) { hash, _ in owed[hash, default: 0] += 1 }
      let expected = before.filter { hasFailed || !now.contains($0) || flags[$0] == false }
      #expect(Set(owed.keys) == Set(expected.map(hash)) && owed.values.allSatisfy { $0 == 1 })
      if hasFailed {
        table.endFailed()
        for number in flags.keys { flags[number] = false }
        before = []
      } else {
        table.endStored()
        for number in flags.keys where !now.contains(number) { flags[number] = nil }
        before = now.filter { flags[$0] == true }
      }
      table.checkInvariants()
      #expect(table.count == flags.count)
    }
  }

  @Test("a text takes no more than 28 bytes, however many there are, and less when there were more")
  func memory() {
    var table = SeenSeries()
    for count in [1000, 20_000, 4000] {
      for number in 0..<count {
        if let place = table.find(hash(number)) {
          table.see(place, isTracked: true)
        } else {
          _ = table.insert(hash(number), .tracked)
        }
      }
      table.endStored()
      #expect(table.count == count)
      #expect(table.byteCount <= 28 * count + 1000, "\(table.byteCount) of \(count)")
      print("\(count) texts: \(Double(table.byteCount) / Double(count)) bytes each")
    }
  }
}

extension KeyedHash128 {
  /// As the table keeps it.
  fileprivate var shortened: KeyedHash128 { KeyedHash128(low: low & 0xffff_ffff, high: high) }
}
