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

  @Test("a ring of no bytes keeps nothing and complains of nothing")
  func none() {
    var ring = FollowerRing(bytesMax: 0)
    let isKept = ring.keep(body(1, at: 1, [a]), arrivedSince: 0)
    #expect(!isKept)
    #expect(ring.count == 0 && ring.evictions == 0)
  }
}
