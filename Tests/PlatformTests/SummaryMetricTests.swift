import PlatformSimulation
import Testing

@testable import Platform

@Suite struct SummaryMetricTests {
  private func values(_ summary: SummaryMetric) -> [Double] { summary.samples(named: "s", labels: []).map(\.value) }

  @Test("quantiles are exact for few observations, and of the last ten minutes; sum and count are of all")
  func window() {
    let clock = SimulatedClock()
    let summary = SummaryMetric(quantiles: [0, 0.5, 0.99, 1], clock: clock)
    #expect(values(summary).prefix(4).allSatisfy { $0.isNaN })
    for value in 1...100 { summary.observe(Double(value)) }
    #expect(values(summary) == [1, 50, 99, 100, 5_050, 100])
    clock.advance(milliseconds: 300_000)
    for _ in 0..<300 { summary.observe(1_000) }
    #expect(values(summary).prefix(4) == [1, 1_000, 1_000, 1_000])
    clock.advance(milliseconds: 420_000)
    #expect(values(summary) == [1_000, 1_000, 1_000, 1_000, 305_050, 400])
    clock.advance(milliseconds: 600_000)
    #expect(values(summary)[0].isNaN && values(summary)[5] == 400)
  }

  @Test("of many observations a sample is kept whose quantiles are near, whatever their order")
  func many() {
    let clock = SimulatedClock()
    let summary = SummaryMetric(quantiles: [0.01, 0.5, 0.99], clock: clock)
    for round in 0..<5 {
      // Far more in the last minutes than before: each counts as much as any other.
      let count = round == 4 ? 100_000 : 1_000
      for value in 0..<count { summary.observe(Double(value) / Double(count)) }
      clock.advance(milliseconds: round == 4 ? 0 : 120_000)
    }
    let found = values(summary)
    for (value, quantile) in zip(found, [0.01, 0.5, 0.99]) { #expect(abs(value - quantile) < 0.08, "\(found)") }
    #expect(found[4] == 104_000)
  }

  @Test("a member that is removed is told no more, and begins anew when it comes again")
  func removed() {
    let registry = MetricsRegistry()
    func text() -> String { String(decoding: Exposition.bytes(of: registry.families()), as: UTF8.self) }
    registry.counter("a_total", "A.", labels: [("job", "x")]).add(3)
    registry.counter("a_total", "A.", labels: [("job", "y")]).add(4)
    registry.summary("s", "S.", labels: [("job", "x")], quantiles: [0.5], clock: SimulatedClock()).observe(2)
    #expect(text().contains("s{job=\"x\",quantile=\"0.5\"} 2\ns_sum{job=\"x\"} 2\ns_count{job=\"x\"} 1\n"))
    registry.remove("a_total", labels: [("job", "x")])
    registry.remove("s", labels: [("job", "x")])
    registry.remove("none", labels: [])
    #expect(!text().contains("job=\"x\"") && text().contains("a_total{job=\"y\"} 4\n"))
    #expect(registry.counter("a_total", "A.", labels: [("job", "x")]).value == 0)
  }
}
