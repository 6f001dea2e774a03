import Model
import Testing

@testable import Rules

@Suite("texts of unit tests") struct UnitTestTextTests {
  private func alert(_ labels: [(name: String, value: String)], _ annotations: [(name: String, value: String)] = [])
    -> ExpectedAlert
  { ExpectedAlert(labels: Labels([(name: "alertname", value: "A")] + labels), annotations: Labels(annotations)) }

  @Test("numbers, times and labels are written as promtool writes them") func basics() {
    let numbers = [0, -0.0, 1, 1.5, 2.9999999999999996, 1e100, -123, .infinity, -.infinity, .nan].map(
      UnitTestText.number)
    #expect(
      numbers == [
        "0E+00", "-0E+00", "1E+00", "1.5E+00", "2.9999999999999996E+00", "1E+100", "-1.23E+02", "+Inf", "-Inf", "NaN",
      ])
    let times = [0, 1, 1000, 1500, 61_020, 3_600_000, 86_461_000, -1].map { UnitTestText.time($0) }
    #expect(times == ["0s", "1ms", "1s", "1.5s", "1m1.02s", "1h0m0s", "24h1m1s", "-1ms"])
    #expect(UnitTestText.labels(Labels([("a", "x\"\n"), ("b.c", "é")])) == #"{a="x\"\n", "b.c"="é"}"#)
    #expect(UnitTestText.labels(.empty) == "{}")
  }

  @Test("a label or annotation that differs is named, so are alerts that are missing or too many") func differences() {
    let expected = [
      alert([("severity", "page"), ("job", "a")], [("summary", "x"), ("old", "o")]),
      alert([("job", "b"), ("zone", "1")]),
      alert([("job", "c")]),
    ]
    let got = [
      alert([("severity", "ticket"), ("job", "a")], [("summary", "y"), ("new", "n")]), alert([("job", "c")]),
      alert([("job", "d"), ("zone", "2")]),
    ]
    #expect(
      UnitTestComparison.alerts(expected, got) == [
        #"alert {alertname="A", job="a", severity="ticket"}: label severity: expected "page", got "ticket""#,
        #"alert {alertname="A", job="a", severity="ticket"}: annotation new: not expected, got "n""#,
        #"alert {alertname="A", job="a", severity="ticket"}: annotation old: expected "o", got none"#,
        #"alert {alertname="A", job="a", severity="ticket"}: annotation summary: expected "x", got "y""#,
        #"alert {alertname="A", job="d", zone="2"}: label job: expected "b", got "d""#,
        #"alert {alertname="A", job="d", zone="2"}: label zone: expected "1", got "2""#,
      ])
    #expect(
      UnitTestComparison.alerts([alert([("job", "a")])], []) == [#"missing: an alert {alertname="A", job="a"}"#])
    #expect(
      UnitTestComparison.alerts([], [alert([("job", "a")])]) == [#"unexpected: an alert {alertname="A", job="a"}"#])
  }

  @Test("samples that differ are told, with a reason where there is one") func samples() {
    func sample(_ name: String, _ value: Double, _ histogram: String = "") -> UnitTestSample {
      UnitTestSample(labels: Labels([("__name__", name)]), value: value, histogram: histogram)
    }
    let expected = [sample("a", 3), sample("b", .nan), sample("c", 1), sample("d", 0, "{{sum:1}}"), sample("e", 7)]
    let got = [
      sample("a", 3.0000000000000004), sample("b", .nan), sample("d", 0, "{{sum:2}}"), sample("e", 7), sample("f", 1),
    ]
    let lines = UnitTestComparison.samples(expected, got, isFuzzy: false)
    #expect(
      lines == [
        #"{__name__="a"}: expected 3E+00, got 3.0000000000000004E+00 (they differ by rounding: fuzzy_compare allows for "#
          + "the last bit, round() for more)",
        #"{__name__="b"}: expected NaN, got NaN (NaN equals nothing: ask whether it is one, x != x)"#,
        #"missing: {__name__="c"} 1E+00"#, #"{__name__="d"}: expected {{sum:1}}, got {{sum:2}}"#,
        #"unexpected: {__name__="f"} 1E+00"#,
      ])
    #expect(UnitTestComparison.samples([expected[0]], [got[0]], isFuzzy: true).isEmpty)
    let many = (0..<200).map { sample("m\($0)", 1) }
    #expect(UnitTestComparison.samples(many, [], isFuzzy: false).count == UnitTestComparison.linesMax + 1)
  }

  @Test("line by line: what is expected only, found only, and both") func diff() {
    #expect(UnitTestComparison.diff(["a", "b", "c"], ["a", "x", "c", "d"]) == ["  a", "- b", "+ x", "  c", "+ d"])
    let long = Array(repeating: "a", count: UnitTestComparison.diffLinesMax)
    #expect(UnitTestComparison.diff(long, ["b"]).isEmpty)
  }
}
