import PlatformSimulation
import TestKit
import Testing

@testable import Rules

@Suite("Rules.RuleSchedule") struct RuleScheduleTests {
  private let clock = SimulatedClock(nowMilliseconds: 1_700_000_000_123)
  private var now: RuleSchedule.Reading { RuleSchedule.Reading(clock) }

  private func schedule(_ interval: Int64 = 15_000, _ name: String = "g") -> RuleSchedule {
    RuleSchedule(file: "f", name: name, intervalMilliseconds: interval, now: now)
  }

  private func advance(to due: Int64, later milliseconds: Int64 = 0) {
    clock.advance(nanoseconds: max(0, due - clock.monotonicNanoseconds()) + milliseconds * 1_000_000)
  }

  @Test("slots are an interval apart, the first lies ahead, and a restart keeps their phase")
  func slots() throws {
    var one = schedule()
    #expect(one.slot > clock.nowMilliseconds() && one.slot <= clock.nowMilliseconds() + 15_000)
    var last = one.slot - 15_000
    for _ in 0..<20 {
      advance(to: one.due, later: 3)
      let next = one.begin(now)
      let begun = try #require(next)
      #expect(begun == .init(milliseconds: last + 15_000, missedCount: 0))
      last = begun.milliseconds
    }
    clock.advance(milliseconds: 100_000)
    #expect((schedule().slot - last) % 15_000 == 0)
    #expect(Set((0..<50).map { schedule(15_000, "g\($0)").slot }).count > 40)
  }

  @Test("after an evaluation that took long the newest slot comes, and the others are counted")
  func late() throws {
    var one = schedule()
    advance(to: one.due)
    let begun = one.begin(now)
    let first = try #require(begun)
    clock.advance(milliseconds: 40_000)
    let next = one.begin(now)
    #expect(next == .init(milliseconds: first.milliseconds + 30_000, missedCount: 1))
    #expect(one.slot == first.milliseconds + 45_000)
  }

  @Test("a clock that is set forward skips slots that nobody missed")
  func forward() throws {
    var one = schedule()
    advance(to: one.due)
    let begun = one.begin(now)
    let first = try #require(begun)
    clock.stepWall(milliseconds: 3_600_000)
    advance(to: one.due)
    let next = one.begin(now)
    #expect(next == .init(milliseconds: first.milliseconds + 3_615_000, missedCount: 0))
  }

  @Test("a clock that is set back a little is waited for, one that is set back far is followed at once")
  func back() throws {
    var one = schedule()
    advance(to: one.due)
    let begun = one.begin(now)
    let first = try #require(begun)
    clock.stepWall(milliseconds: -5_000)
    advance(to: one.due)
    let early = one.begin(now)
    #expect(early == nil)
    advance(to: one.due)
    let later = one.begin(now)
    #expect(later == .init(milliseconds: first.milliseconds + 15_000, missedCount: 0))
    clock.stepWall(milliseconds: -3_600_000)
    advance(to: one.due)
    let far = one.begin(now)
    #expect(far == .init(milliseconds: first.milliseconds + 30_000 - 3_600_000, missedCount: 0))
  }

  @Test("whatever is done to the clocks, a slot comes within two intervals and none comes twice in an interval")
  func anything() {
    var random = RandomSource(for: "clocks")
    var one = schedule(1_000)
    var lastBegin = clock.monotonicNanoseconds()
    for _ in 0..<2_000 {
      if Int.random(in: 0..<20, using: &random) == 0 {
        clock.stepWall(milliseconds: Int64.random(in: -5_000...5_000, using: &random))
      }
      advance(to: one.due, later: Int64.random(in: 0...20, using: &random))
      guard one.begin(now) != nil else {
        #expect(one.due - clock.monotonicNanoseconds() <= 1_000_000_000)
        continue
      }
      #expect(clock.monotonicNanoseconds() - lastBegin <= 2_100_000_000)
      lastBegin = clock.monotonicNanoseconds()
      #expect(one.due - lastBegin <= 1_002_000_000)
    }
  }
}
