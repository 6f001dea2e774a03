import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import Outbound

@Suite("The renewal of AWS keys") struct AWSKeyCacheTests {
  /// Keys whose life a test sets; each one's name is the number of its fetch.
  private final class Source: AWSKeySource {
    let outlivesExpiry: Bool
    let clock: SimulatedClock
    let fetches = Mutex(0)
    let lifeMilliseconds = Mutex<Int64?>(3_600_000)
    let isBroken = Mutex(false)
    /// Held by a test, it keeps a fetch from ending.
    let gate = Mutex<Void>(())

    init(_ clock: SimulatedClock, outlivesExpiry: Bool = false) {
      self.clock = clock
      self.outlivesExpiry = outlivesExpiry
    }

    var count: Int { fetches.withLock { $0 } }

    func fetch(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys {
      let number = fetches.withLock { count in
        count += 1
        return count
      }
      gate.withLock { _ in }
      if isBroken.withLock({ $0 }) { throw AWSError("broken \(number)") }
      let life = lifeMilliseconds.withLock { $0 }
      return AWSKeys(
        accessKey: "\(number)", secretKey: "s", expiresMilliseconds: life.map { clock.nowMilliseconds() + $0 })
    }
  }

  private let clock = SimulatedClock(nowMilliseconds: awsNow)

  private func name(_ cache: AWSKeyCache) -> String {
    do throws(AWSError) { return try cache.keys { false }.accessKey } catch { return error.description }
  }

  @Test("keys are renewed five minutes before they expire, short-lived ones in the middle of their life")
  func early() {
    let source = Source(clock)
    let cache = AWSKeyCache(source, clock: clock)
    #expect(name(cache) == "1")
    clock.advance(milliseconds: 3_300_000 - 1)
    #expect(name(cache) == "1")
    source.lifeMilliseconds.withLock { $0 = 60_000 }
    clock.advance(milliseconds: 1)
    #expect(name(cache) == "2")
    clock.advance(milliseconds: 29_999)
    #expect(name(cache) == "2")
    source.lifeMilliseconds.withLock { $0 = nil }
    clock.advance(milliseconds: 1)
    #expect(name(cache) == "3")
    clock.advance(milliseconds: 1 << 40)
    #expect(name(cache) == "3" && source.count == 3)
    cache.forget()
    #expect(name(cache) == "4")
  }

  @Test("old keys serve on while no new ones can be had, until they expire; those of the machine longer")
  func stretched() {
    for outlives in [false, true] {
      let source = Source(clock, outlivesExpiry: outlives)
      let cache = AWSKeyCache(source, clock: clock)
      #expect(name(cache) == "1")
      source.isBroken.withLock { $0 = true }
      clock.advance(milliseconds: 3_300_000)
      #expect(name(cache) == "1" && source.count == 2)
      // The source is not asked again at once.
      clock.advance(milliseconds: 59_999)
      #expect(name(cache) == "1" && source.count == 2)
      clock.advance(milliseconds: 1)
      #expect(name(cache) == "1" && source.count == 3)
      clock.advance(milliseconds: 300_000)
      #expect(name(cache) == (outlives ? "1" : "broken 4"))
      source.isBroken.withLock { $0 = false }
      clock.advance(milliseconds: 60_000)
      #expect(name(cache) == "5")
    }
  }

  @Test("one thread renews; the others go on with the old keys, or wait for the first ones")
  func single() throws {
    let source = Source(clock)
    let cache = AWSKeyCache(source, clock: clock)
    let names = Names()
    source.gate.withLock { _ in
      for _ in 0..<8 { startThread { names.add(name(cache)) } }
      #expect(eventually(within: .seconds(20)) { source.count == 1 })
    }
    #expect(eventually(within: .seconds(20)) { names.all.count == 8 })
    #expect(names.all == Array(repeating: "1", count: 8) && source.count == 1)
    clock.advance(milliseconds: 3_400_000)
    source.gate.withLock { _ in
      startThread { names.add(name(cache)) }
      #expect(eventually(within: .seconds(20)) { source.count == 2 })
      #expect(name(cache) == "1")
    }
    #expect(eventually(within: .seconds(20)) { names.all.count == 9 })
    #expect(names.all.last == "2" && name(cache) == "2")
  }

  private final class Names: Sendable {
    private let names = Mutex<[String]>([])
    var all: [String] { names.withLock { $0 } }
    func add(_ name: String) { names.withLock { $0.append(name) } }
  }
}
