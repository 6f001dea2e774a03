import Testing

@testable import Scrape

@Suite struct BodyBudgetTests {
  @Test("leases take what bodies need and give it back, and never more than there is")
  func leases() throws {
    let budget = ScrapeBodyBudget(bytesMax: 1_000_000)
    var one: ScrapeBodyLease? = try #require(ScrapeBodyLease(600_000, of: budget))
    #expect(ScrapeBodyLease(500_000, of: budget) == nil && budget.used == 600_000)
    var two: ScrapeBodyLease? = try #require(ScrapeBodyLease(100_000, of: budget))
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
  func alone() throws {
    let budget = ScrapeBodyBudget(bytesMax: 10)
    var large: ScrapeBodyLease? = try #require(ScrapeBodyLease(100, of: budget))
    #expect(ScrapeBodyLease(1, of: budget) == nil && large != nil)
    large = nil
    #expect(ScrapeBodyLease(1, of: budget) != nil)
  }
}
