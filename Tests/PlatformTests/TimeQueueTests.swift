import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import Platform

@Suite struct TimeQueueTests {
  @Test("whatever is set, moved and removed, ids come out in the order of their moments")
  func model() {
    var random = RandomSource(for: "moments")
    var queue = TimeQueue()
    var model: [Int: (moment: Int64, number: Int)] = [:]
    for number in 0..<20_000 {
      let id = Int.random(in: 0..<200, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0...5:
        let moment = Int64.random(in: 0..<1_000, using: &random)
        queue.set(id, at: moment)
        model[id] = (moment, number)
      case 6:
        queue.remove(id)
        model[id] = nil
      default:
        let now = Int64.random(in: 0..<400, using: &random)
        let first = model.min { ($0.value.moment, $0.value.number) < ($1.value.moment, $1.value.number) }
        let popped = queue.popDue(now)
        #expect(popped?.id == (first.map { $0.value.moment <= now ? $0.key : nil } ?? nil))
        if let popped { model[popped.id] = nil }
      }
      #expect(queue.count == model.count && queue.first == model.values.map(\.moment).min())
    }
  }

  @Test("the wheel's thread calls what is due at its moment, and what was set anew only then")
  func thread() throws {
    let clock = SimulatedClock()
    let wheel = TimeWheel(clock, name: "scrape-wheel")
    let called = Mutex<[String]>([])
    let (one, two) = (wheel.place(), wheel.place())
    try wheel.start()
    wheel.set(one, at: 1_000_000_000) { called.withLock { $0.append("never") } }
    wheel.set(one, at: 2_000_000_000) { called.withLock { $0.append("one") } }
    wheel.set(two, at: 1_500_000_000) { called.withLock { $0.append("two") } }
    clock.waitForWaiters(1)
    clock.advance(milliseconds: 1_200)
    clock.waitForWaiters(1)
    #expect(called.withLock { $0 } == [])
    clock.advance(milliseconds: 400)
    #expect(eventually(within: .seconds(20)) { called.withLock { $0 } == ["two"] })
    clock.advance(milliseconds: 400)
    #expect(eventually(within: .seconds(20)) { called.withLock { $0 } == ["two", "one"] })
    wheel.set(two, at: 9_000_000_000) {}
    #expect(wheel.remove(two) && !wheel.remove(two) && wheel.count == 0)
    wheel.stop()
  }
}
