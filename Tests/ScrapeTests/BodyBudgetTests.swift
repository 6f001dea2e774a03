import Platform
import Synchronization
import TestKit
import Testing

@testable import Scrape

@Suite struct BodyBudgetTests {
  @Test("leases take what bodies need and give it back, and never more than there is")
  func leases() {
    let budget = ScrapeBodyBudget(bytesMax: 1_000_000)
    var one: ScrapeBodyLease? = ScrapeBodyLease(600_000, of: budget)
    #expect(ScrapeBodyLease(500_000, of: budget) == nil && budget.used == 600_000)
    var two: ScrapeBodyLease? = ScrapeBodyLease(100_000, of: budget)
    // Within the estimate, then beyond it in steps.
    #expect(two?.take(90_000) == true && budget.used == 700_000)
    #expect(two?.take(20_000) == true && budget.used == 700_000 + 262_144)
    #expect(two?.take(500_000) == false && two?.wasRefused == true)
    one?.settle(5_000)
    #expect(budget.used == 5_000 + 100_000 + 262_144 && one?.wasRefused == false)
    one = nil
    two = nil
    #expect(budget.used == 0)
  }

  @Test("what is larger than the budget is taken when nothing else is")
  func alone() {
    let budget = ScrapeBodyBudget(bytesMax: 10)
    var large: ScrapeBodyLease? = ScrapeBodyLease(100, of: budget)
    #expect(ScrapeBodyLease(1, of: budget) == nil && large != nil)
    large = nil
    #expect(ScrapeBodyLease(1, of: budget) != nil)
  }
}

@Suite struct SerialWorksTests {
  @Test("works of a job run one at a time in their order, those of another beside them, and a refusal is told")
  func order() throws {
    let pool = try WorkerPool(name: "prepare", threadCount: 3, queueLimit: 10)
    let (one, two) = (SerialWorks(), SerialWorks())
    let submit: Scraper.Submit = { pool.submit($0) }
    let order = Mutex<[Int]>([])
    let isHeld = Monitor(true)
    var taken = one.add(
      {
        _ = isHeld.wait { $0 ? nil : true }
        order.withLock { $0.append(0) }
      }, on: submit)
    #expect(taken)
    for number in 1..<100 {
      taken = one.add({ order.withLock { $0.append(number) } }, on: submit)
      #expect(taken)
    }
    taken = two.add({ order.withLock { $0.append(-1) } }, on: submit)
    #expect(taken)
    let isBeside = eventually(within: .seconds(30)) { order.withLock { $0 } == [-1] }
    #expect(isBeside)
    isHeld.withLock { $0 = false }
    isHeld.wakeAll()
    let isInOrder = eventually(within: .seconds(30)) { order.withLock { $0 } == [-1] + Array(0..<100) }
    #expect(isInOrder)
    pool.stop()
    taken = one.add({}, on: submit)
    #expect(!taken)
  }
}
