import Testing

@testable import Ingest

@Suite struct RefusalsTests {
  @Test("the first five refusals are named, all are counted by reason")
  func message() {
    var refusals = Refusals()
    #expect(refusals.isEmpty)
    for index in 0..<8 { refusals.add(reason: index < 6 ? "b" : "a", samples: index) { Offender("n\(index)") } }
    #expect(refusals.message(of: 40) == "n0; n1; n2; n3; n4 (refused 28 of 40 samples; a: 13, b: 15)")
    #expect(refusals.named.count == 5)
    #expect(!refusals.isEmpty)
  }

  @Test("what is not named is not described either")
  func lazyDescriptions() {
    var refusals = Refusals()
    var described = 0
    for _ in 0..<100 {
      refusals.add(reason: "r", samples: 1) {
        described += 1
        return Offender("x")
      }
    }
    #expect(described == 5)
    #expect(refusals.countByReason == ["r": 100])
    // The first of another reason is.
    refusals.add(reason: "s", samples: 2) { Offender("y", series: "{a=\"1\"}") }
    #expect(refusals.firstByReason["s"]?.text == "y, series {a=\"1\"}" && refusals.named.count == 5)
  }
}
