import TestKit
import Testing

@testable import Ingest

@Suite struct FollowerRingTests {
  private let a = HAPair(cluster: "c", replica: "a")
  private let b = HAPair(cluster: "c", replica: "b")

  private func body(_ size: Int, at time: Int64, _ pairs: [HAPair]) -> FollowerRing.Body {
    FollowerRing.Body(
      bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: time), count: size),
      form: BodyForm(encoding: .snappy, message: .v1), pairs: pairs,
      arrived: time)
  }

  @Test("bodies come back in their order, each for its pairs")
  func order() {
    var ring = FollowerRing(bytesMax: 1 << 20)
    for time in 1...10 as ClosedRange<Int64> {
      ring.keep(body(100, at: time, time % 3 == 0 ? [a, b] : time % 2 == 0 ? [a] : [b]), arrivedSince: 0)
    }
    #expect(ring.bodies(of: a).map(\.arrived) == [2, 3, 4, 6, 8, 9, 10])
    #expect(ring.bodies(of: b).map(\.arrived) == [1, 3, 5, 6, 7, 9])
    ring.forget { $0 == a }
    #expect(ring.bodies(of: a).isEmpty)
    #expect(ring.bodies(of: b).map(\.arrived) == [1, 3, 5, 6, 7, 9])
    ring.forget { $0 == b }
    #expect(ring.count == 0 && ring.byteCount == 0)
  }

  @Test("in random use the ring holds the newest bodies that fit, and none older than asked for")
  func bounds() {
    let seed = RandomSource(for: "follower ring").seed
    var random = RandomSource(seed: seed)
    for _ in 0..<30 {
      let bytesMax = 2000 + random.below(20_000)
      var ring = FollowerRing(bytesMax: bytesMax)
      var plain: [FollowerRing.Body] = []
      for time in 0..<400 as Range<Int64> {
        let next = body(random.below(3000), at: time, random.below(2) == 0 ? [a] : [a, b])
        let oldest = time - Int64(random.below(60))
        ring.keep(next, arrivedSince: oldest)
        plain.removeAll { $0.arrived < oldest }
        if next.cost <= bytesMax { plain.append(next) }
        while plain.reduce(0, { $0 + $1.cost }) > bytesMax { plain.removeFirst() }
        #expect(ring.bodies(of: a).map(\.arrived) == plain.map(\.arrived), "seed \(seed)")
        #expect(ring.byteCount == plain.reduce(0) { $0 + $1.cost } && ring.byteCount <= bytesMax, "seed \(seed)")
        #expect(
          ring.bodies(of: b).allSatisfy { body in
            body.bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: body.arrived) }
          })
      }
    }
  }

  @Test(
    "rings that share a budget hold no more than it together, and one that may not grow drops its own oldest bodies")
  func shared() {
    let seed = RandomSource(for: "shared rings").seed
    var random = RandomSource(seed: seed)
    let budget = RingBudget(bytesMax: 30_000)
    var rings = (0..<3).map { _ in FollowerRing(bytesMax: 20_000, budget) }
    for time in 0..<3000 as Range<Int64> {
      let place = random.below(3)
      let next = body(random.below(3000), at: time, random.below(2) == 0 ? [a] : [a, b])
      let before = rings.map(\.count)
      switch random.below(20) {
      case 0: rings[place].forget { $0 == a }
      case 1: rings[place].expire(arrivedBefore: time - 20)
      case 2: rings[place].removeAll()
      default:
        let isKept = rings[place].keep(next, arrivedSince: time - 60)
        #expect(isKept == (rings[place].bodies(of: a).last?.arrived == time), "seed \(seed)")
        #expect(isKept || rings[place].count == 0, "seed \(seed)")
      }
      for other in 0..<3 where other != place { #expect(rings[other].count == before[other], "seed \(seed)") }
      #expect(rings.reduce(0) { $0 + $1.byteCount } == budget.heldBytes && budget.heldBytes <= 30_000, "seed \(seed)")
    }
    #expect(rings.allSatisfy { $0.evictions > 0 }, "seed \(seed)")
    for place in 0..<3 { rings[place].removeAll() }
    #expect(budget.heldBytes == 0)
  }

  @Test("a ring of no bytes keeps nothing and complains of nothing")
  func none() {
    var ring = FollowerRing(bytesMax: 0)
    let isKept = ring.keep(body(1, at: 1, [a]), arrivedSince: 0)
    #expect(!isKept)
    #expect(ring.count == 0 && ring.evictions == 0)
  }
}
