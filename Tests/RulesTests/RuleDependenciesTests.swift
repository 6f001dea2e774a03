import PromQL
import Testing

@testable import Rules

@Suite("Rules.RuleDependencies") struct RuleDependenciesTests {
  private func batches(_ rules: [RuleDefinition]) -> [[Int]] {
    RuleDependencies(rules, rules.map { try? Parser.parse($0.expression) }).batches
  }

  @Test("rules without dependencies come first, side by side; chains one by one; what nobody needs last")
  func order() {
    #expect(
      batches([
        .record("a", "x"), .record("b", "a"), .record("c", "sum(rate(b[5m]))"), .record("d", "y"),
        .record("e", "a + d"),
      ]) == [[0, 3], [1], [2, 4]])
    #expect(batches([.record("a", "x"), .record("b", "y")]) == [[0, 1]])
    #expect(batches([.record("a", "x")]) == [[0]])
  }

  @Test("a rule that reads a later one needs nothing: it reads that of the round before")
  func later() { #expect(batches([.record("a", "b"), .record("b", "x")]) == [[0, 1]]) }

  @Test("any condition on the name counts, and one selector without makes the group sequential")
  func names() {
    #expect(batches([.record("a:x", "m"), .record("b", "{__name__=~\"a:.*\"}")]) == [[0], [1]])
    #expect(batches([.record("a:x", "m"), .record("b", "{__name__!=\"a:x\", job=\"j\"}")]) == [[0, 1]])
    #expect(batches([.record("a", "m"), .record("b", "{job=\"j\"}"), .record("c", "m")]) == [[0], [1], [2]])
    #expect(batches([.record("a", "m"), .record("b", "max_over_time(a[1h:5m])")]) == [[0], [1]])
  }

  @Test("alerts are read by their series, of the alert that the selector names or of all")
  func alerts() {
    #expect(batches([.alert("A", "m"), .record("b", "ALERTS")]) == [[0], [1]])
    #expect(batches([.alert("A", "m"), .record("b", "ALERTS_FOR_STATE{alertname=\"A\"}")]) == [[0], [1]])
    #expect(batches([.alert("A", "m"), .record("b", "ALERTS{alertname=\"B\"}")]) == [[0, 1]])
    #expect(batches([.alert("A", "m"), .record("b", "A")]) == [[0, 1]])
  }
}
