import Model
import TestKit
import Testing

@testable import TSDB

/// A ring as plainly as it can be written: what `ExemplarRing` is held against.
private struct PlainRing {
  struct Entry: Equatable {
    var series: Int
    var exemplar: Exemplar
    var arrival: Int
  }

  var limit: Int
  var entries: [Entry] = []
  var arrivals = 0
  var outOfOrder = 0

  /// Those of a series by time; at the same time as they came.
  func list(_ series: Int) -> [Entry] {
    entries.filter { $0.series == series }.sorted { ($0.exemplar.time, $0.arrival) < ($1.exemplar.time, $1.arrival) }
  }

  mutating func append(_ exemplar: Exemplar, _ series: Int, restoring: Bool) -> ExemplarOutcome {
    if limit == 0 { return .disabled }
    let present = list(series)
    if present.contains(where: { $0.exemplar == exemplar }) { return .duplicate }
    if let newest = present.last?.exemplar, !restoring {
      let (value, last) = (Double(bitPattern: exemplar.value), Double(bitPattern: newest.value))
      let isLess =
        exemplar.time == newest.time
        && (value < last
          || value == last && exemplar.labels.packed.lexicographicallyPrecedes(newest.labels.packed))
      if exemplar.time < newest.time || isLess {
        outOfOrder += 1
        return .outOfOrder
      }
    }
    if entries.count == limit { entries.removeFirst() }
    entries.append(Entry(series: series, exemplar: exemplar, arrival: arrivals))
    arrivals += 1
    return .stored
  }
}

@Suite struct ExemplarRingTests {
  private static func series(_ number: Int) -> Labels {
    Labels([("__name__", "m"), ("series", String(repeating: "s", count: 1 + number % 7) + "\(number)")])
  }

  private static func traced(_ text: String, _ time: Int64, _ value: Double) -> Exemplar {
    Exemplar(labels: Labels([("trace_id", text)]), time: time, value: value.bitPattern)
  }

  private static func append(
    _ exemplar: Exemplar, _ number: Int, _ ring: inout ExemplarRing, restoring: Bool = false
  ) -> ExemplarRing.Appended? {
    exemplar.labels.packed.withUnsafeBytes { bytes in
      let new = NewExemplar(labels: bytes, time: exemplar.time, value: exemplar.value)
      let reference = UInt64(number + 1)
      return ring.append(new, reference: reference, restoring: restoring)
        ?? ring.append(new, reference: reference, labels: series(number), restoring: restoring)
    }
  }

  @Test("in any order, of any size: the ring holds what the plainest one holds, through every change of size")
  func model() {
    var random = RandomSource(for: "exemplar ring")
    for round in 0..<60 {
      var plain = PlainRing(limit: [1, 2, 3, 7, 40, 300][round % 6])
      var ring = ExemplarRing()
      ring.resize(to: plain.limit)
      let seriesCount = 1 + random.below(12)
      // Few enough of a series that all are looked at.
      for step in 0..<200 {
        let number = random.below(seriesCount)
        let labels = random.below(4) == 0 ? Labels.empty : Labels([("trace_id", "\(random.below(3))")])
        let exemplar = Exemplar(
          labels: labels, time: Int64(step / 4 + random.below(6) - 3), value: Double(random.below(3)).bitPattern)
        let isRestoring = round >= 30 && random.below(3) == 0
        if plain.list(number).count >= 60 { continue }
        let wanted = plain.append(exemplar, number, restoring: isRestoring)
        let appended = Self.append(exemplar, number, &ring, restoring: isRestoring)
        #expect(appended?.outcome == wanted, "round \(round), step \(step)")
        if random.below(90) == 0 {
          plain.limit = random.below(50)
          plain.entries = Array(plain.entries.suffix(plain.limit))
          ring.resize(to: plain.limit)
        }
        ring.checkInvariants()
        expectSame(plain, ring, seriesCount)
      }
      #expect(ring.outOfOrderCount == plain.outOfOrder)
    }
  }

  private func expectSame(_ plain: PlainRing, _ ring: borrowing ExemplarRing, _ seriesCount: Int) {
    #expect(ring.count == plain.entries.count)
    #expect(ring.firstTime == plain.entries.first?.exemplar.time)
    #expect(ring.oldestTime == plain.entries.map(\.exemplar.time).min())
    #expect(ring.seriesCount == Set(plain.entries.map(\.series)).count)
    for number in 0..<seriesCount {
      let wanted = plain.list(number).map(\.exemplar)
      #expect(ring.exemplars(of: Self.series(number), from: .min, through: .max) == wanted)
      let middle = wanted.isEmpty ? 0 : wanted[wanted.count / 2].time
      #expect(
        ring.exemplars(of: Self.series(number), from: middle, through: middle + 1)
          == wanted.filter { middle...(middle + 1) ~= $0.time })
    }
  }

  @Test("around the end: the oldest goes for the newest, and a series with its last exemplar")
  func wrap() {
    var ring = ExemplarRing()
    ring.resize(to: 3)
    for number in 0..<10 {
      #expect(Self.append(Self.traced("t\(number)", Int64(number), 1), number, &ring)?.outcome == .stored)
    }
    #expect(ring.count == 3 && ring.seriesCount == 3 && ring.appendedCount == 10)
    #expect(ring.exemplars(of: Self.series(6), from: .min, through: .max).isEmpty)
    #expect(ring.exemplars(of: Self.series(9), from: .min, through: .max) == [Self.traced("t9", 9, 1)])
    // What went may come again: nothing is left to compare it with.
    #expect(Self.append(Self.traced("t0", 0, 1), 0, &ring)?.outcome == .stored)
    ring.checkInvariants()
  }

  @Test(
    "none are kept with a limit of nothing, and less than nothing; more than there can be is as many as there can be")
  func limits() {
    var ring = ExemplarRing()
    for limit in [0, -1, .min] {
      ring.resize(to: limit)
      #expect(Self.append(Self.traced("a", 1, 1), 1, &ring)?.outcome == .disabled)
      #expect(ring.count == 0 && ring.limit == 0)
    }
    ring.resize(to: .max)
    #expect(ring.limit == ExemplarRing.entriesMax)
    #expect(Self.append(Self.traced("a", 1, 1), 1, &ring)?.outcome == .stored)
    #expect(ring.capacity < 1000, "memory comes with the exemplars")
    ring.resize(to: 0)
    #expect(ring.count == 0 && ring.seriesCount == 0 && ring.capacity == 0)
    ring.checkInvariants()
  }

  @Test("what is in the log already is not logged again, what is not yet is")
  func logged() {
    var ring = ExemplarRing()
    ring.resize(to: 10)
    let first = Self.append(Self.traced("a", 1, 1), 1, &ring)
    let again = Self.append(Self.traced("a", 1, 1), 1, &ring)
    #expect(first?.number != nil && again?.outcome == .duplicate && again?.number == first?.number)
    if let number = first?.number { ring.markLogged([number]) }
    let later = Self.append(Self.traced("a", 1, 1), 1, &ring)
    #expect(later?.outcome == .duplicate && later?.number == nil)
    #expect(Self.append(Self.traced("b", 2, 1), 1, &ring, restoring: true)?.number == nil)
  }

  @Test("a retry of a whole body is a success, also of the exemplars that are not the newest any more")
  func retried() {
    var ring = ExemplarRing()
    ring.resize(to: 1000)
    let body = (0..<40).map { Self.traced("t\($0)", Int64($0), Double($0)) }
    for exemplar in body { #expect(Self.append(exemplar, 1, &ring)?.outcome == .stored) }
    for exemplar in body { #expect(Self.append(exemplar, 1, &ring)?.outcome == .duplicate) }
    #expect(Self.append(Self.traced("other", 12, 1), 1, &ring)?.outcome == .outOfOrder)
    #expect(ring.count == 40 && ring.outOfOrderCount == 1)
  }

  @Test("zeros of either sign are the same value, and a NaN is itself")
  func values() {
    var ring = ExemplarRing()
    ring.resize(to: 10)
    #expect(Self.append(Self.traced("a", 1, 0.0), 1, &ring)?.outcome == .stored)
    #expect(Self.append(Self.traced("a", 1, -0.0), 1, &ring)?.outcome == .duplicate)
    #expect(Self.append(Self.traced("a", 2, .nan), 1, &ring)?.outcome == .stored)
    #expect(Self.append(Self.traced("a", 2, .nan), 1, &ring)?.outcome == .duplicate)
  }

  @Test("names and values may have 128 characters together, whatever they take in bytes")
  func characters() {
    func fault(_ labels: [(String, String)]) -> ExemplarOutcome? {
      Labels(labels.map { (name: $0.0, value: $0.1) }).packed.withUnsafeBytes {
        NewExemplar(labels: $0, time: 0, value: 0).fault
      }
    }
    #expect(fault([("a", String(repeating: "x", count: 127))]) == nil)
    #expect(fault([("a", String(repeating: "x", count: 128))]) == .tooLong)
    #expect(fault([("a", String(repeating: "𝄞", count: 127))]) == nil)
    #expect(fault([("a", String(repeating: "𝄞", count: 128))]) == .tooLong)
    #expect(fault([("a", String(repeating: "x", count: 60)), ("b", String(repeating: "y", count: 67))]) == .tooLong)
    #expect(fault([]) == nil)
    #expect(fault((0..<64).map { (String(UnicodeScalar(UInt8($0 + 48))), "v") }) == nil)
    let damaged: [UInt8] = [1, 97, 2, 0xc3, 0x28]
    #expect(damaged.withUnsafeBytes { NewExemplar(labels: $0, time: 0, value: 0).fault } == .invalid)
  }
}
