import TestKit
import Testing

@testable import Scrape

@Suite struct ScheduleTests {
  private static let second: Int64 = 1_000_000_000

  /// A moment so long after the start of the test, with the wall clock where it belongs.
  private func at(_ milliseconds: Int64, extra nanoseconds: Int64 = 0, step: Int64 = 0) -> ClockReading {
    ClockReading(
      monotonicNanoseconds: 77 * Self.second + milliseconds * 1_000_000 + nanoseconds,
      wallMilliseconds: 1_700_000_000_000 + milliseconds + step)
  }

  private func schedule(_ interval: Int64 = 15_000, hash: UInt64 = 4_000, delay: Int64? = nil) -> ScrapeSchedule {
    ScrapeSchedule(intervalMilliseconds: interval, hash: hash, now: at(0), firstDelay: delay)
  }

  @Test("the first scrape is at the phase of the wall clock, whenever the server starts")
  func phase() {
    for start: Int64 in [0, 1, 3_999, 4_000, 4_001, 14_999, 123_456_789] {
      let now = at(start)
      let schedule = ScrapeSchedule(intervalMilliseconds: 15_000, hash: 4_000, now: now)
      let wait = (schedule.next - now.monotonicNanoseconds) / 1_000_000
      #expect((now.wallMilliseconds + wait) % 15_000 == 4_000 && (0..<15_000).contains(wait), "\(start)")
    }
  }

  @Test("stored times are exactly an interval apart while scrapes begin within the tolerance")
  func aligned() {
    var schedule = schedule()
    var times: [Int64] = []
    let lateness: [Int64] = [0, 1_000, 1_999_999, 500_000, 2_000_000]
    for late in lateness {
      let due = schedule.next
      let monotonic = due + late
      let reading = ClockReading(
        monotonicNanoseconds: monotonic,
        wallMilliseconds: 1_700_000_000_000 + (monotonic - 77 * Self.second) / 1_000_000)
      times.append(schedule.begin(reading).milliseconds)
    }
    #expect(times.allSatisfy { $0 % 15_000 == 4_000 })
    #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 == 15_000 })
  }

  @Test("a scrape that begins later is stored at its real time, and the next one at its tick again")
  func late() {
    var schedule = schedule()
    let first: Int64 = 1_700_000_000_000 / 15_000 * 15_000 + 4_000
    let wait = (first - 1_700_000_000_000 + 15_000) % 15_000
    #expect(schedule.begin(at(wait + 3)) == .init(milliseconds: 1_700_000_000_003 + wait, missedCount: 0))
    #expect(schedule.begin(at(wait + 15_000)) == .init(milliseconds: 1_700_000_015_000 + wait, missedCount: 0))
    // The tolerance of a short interval is shorter.
    var short = ScrapeSchedule(intervalMilliseconds: 100, hash: 0, now: at(0))
    #expect(short.begin(at(0, extra: 1_000_000)).milliseconds == 1_700_000_000_000)
    #expect(short.begin(at(102)).milliseconds == 1_700_000_000_102)
  }

  @Test("ticks without a scrape are counted, and the scrape that is due is the newest of them")
  func missed() {
    for (late, missed) in [(0, 0), (200, 0), (14_999, 0), (15_000, 1), (31_000, 2), (150_000, 10)] as [(Int64, Int)] {
      var schedule = schedule(hash: 5_000)
      let due = (schedule.next - 77 * Self.second) / 1_000_000
      #expect(schedule.begin(at(due + late)).missedCount == missed, "\(late)")
      #expect((schedule.next - 77 * Self.second) / 1_000_000 == due + (late / 15_000 + 1) * 15_000)
    }
    var skipped = schedule()
    let due = (skipped.next - 77 * Self.second) / 1_000_000
    #expect(skipped.skip(at(due)) == 1 && skipped.skip(at(due + 45_000)) == 3)
  }

  @Test("a wall clock that is set moves neither ticks nor bunches scrapes, and the times follow it")
  func step() {
    for step: Int64 in [-3_600_000, -20, 40, 3_600_000] {
      var schedule = schedule()
      let due = (schedule.next - 77 * Self.second) / 1_000_000
      let first = schedule.begin(at(due)).milliseconds
      for tick: Int64 in 1...5 {
        let start = schedule.begin(at(due + tick * 15_000, extra: 300_000, step: step))
        #expect(start == .init(milliseconds: first + tick * 15_000 + step, missedCount: 0), "\(step) \(tick)")
        #expect(schedule.next == 77 * Self.second + (due + (tick + 1) * 15_000) * 1_000_000)
      }
    }
  }

  @Test("a new target is scraped at once, then at its phase, which is enough by itself where it is near")
  func atOnce() {
    let phase = schedule().next
    var soon = schedule(delay: 30_000_000)
    #expect(soon.next == 77 * Self.second + 30_000_000 && soon.next < phase)
    #expect(soon.begin(at(30)) == .init(milliseconds: 1_700_000_000_030, missedCount: 0))
    #expect(soon.next == phase)
    // 900 ms before its phase.
    let near = (phase - 77 * Self.second) / 1_000_000 - 900
    let close = ScrapeSchedule(intervalMilliseconds: 15_000, hash: 4_000, now: at(near), firstDelay: 10_000_000)
    #expect(close.next == phase)
  }

  @Test("another interval has its own phase, and begins no scrape twice")
  func changed() {
    var schedule = schedule()
    let due = (schedule.next - 77 * Self.second) / 1_000_000
    _ = schedule.begin(at(due))
    let same = schedule.changed(intervalMilliseconds: 15_000, hash: 4_000, now: at(due + 10))
    #expect(same == schedule)
    let other = schedule.changed(intervalMilliseconds: 30_000, hash: 4_000, now: at(due + 10))
    let wait = (other.next - 77 * Self.second) / 1_000_000
    #expect((1_700_000_000_000 + wait) % 30_000 == 4_000 && wait > due && wait <= due + 30_010)
  }

  @Test("two servers of a pair scrape a target at different times, each always at the same")
  func pair() {
    let one = StableHash.seed(host: "a", externalLabels: .empty)
    #expect(one == StableHash.seed(host: "a", externalLabels: .empty))
    #expect(one != StableHash.seed(host: "b", externalLabels: .empty))
    #expect(one != StableHash.seed(host: "a", externalLabels: .init([("replica", "1")])))
    var hash = StableHash()
    hash.add(Array("foobar".utf8))
    #expect(hash.value == 0x8594_4171_f739_67e8, "FNV-1a, as published")
  }

  @Test("whatever the lateness, times rise and every tick is either scraped or counted as missed")
  func random() {
    var random = RandomSource(for: "moments")
    for _ in 0..<200 {
      let interval = Int64.random(in: 50...60_000, using: &random)
      let delay = Bool.random(using: &random) ? Int64.random(in: 0...5_000_000_000, using: &random) : nil
      var schedule = ScrapeSchedule(
        intervalMilliseconds: interval, hash: .random(in: 0...(.max), using: &random), now: at(0), firstDelay: delay)
      let first = schedule.next
      var last = Int64.min
      var ticks: Int64 = 0
      var firstOfPhase: Int64?
      for _ in 0..<50 {
        let isLate = Int.random(in: 0..<4, using: &random) == 0
        let late = Int64.random(in: 0...(isLate ? interval * 3_500_000 : 1_000_000), using: &random)
        let monotonic = schedule.next + late
        let wall = 1_700_000_000_000 + (monotonic - 77 * Self.second) / 1_000_000
        let start = schedule.begin(ClockReading(monotonicNanoseconds: monotonic, wallMilliseconds: wall))
        #expect(start.milliseconds > last && abs(start.milliseconds - wall) <= 3)
        last = start.milliseconds
        ticks += 1 + Int64(start.missedCount)
        if firstOfPhase == nil {
          firstOfPhase = schedule.next
          ticks = 0
        }
      }
      let passed = (schedule.next - (firstOfPhase ?? first)) / (interval * 1_000_000)
      #expect(ticks == passed, "interval \(interval)")
    }
  }
}
