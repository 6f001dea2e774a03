import Testing

@testable import Rules

@Suite("Rules.AlertState") struct AlertStateTests {
  @Test("a firing alert is further than a pending one, and that than an inactive one") func order() {
    #expect(AlertState.inactive < .pending)
    #expect(AlertState.pending < .firing)
    #expect([AlertState.pending, .firing, .inactive].max() == .firing)
  }
}
