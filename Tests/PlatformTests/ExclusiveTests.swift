import Testing

@testable import Platform

@Suite("Exclusive")
struct ExclusiveTests {
  private struct Wrong: Error {}

  @Test("one use after the other sees what the last one left, also behind an error")
  func uses() throws {
    let list = Exclusive([1])
    list.use { $0.append(2) }
    #expect(throws: Wrong.self) {
      try list.use { (list) throws(Wrong) in
        list.append(3)
        throw Wrong()
      }
    }
    #expect(list.use { $0 } == [1, 2, 3])
  }

  @Test("a second use within the first ends the process")
  func overlap() async {
    await #expect(processExitsWith: .failure) {
      let list = Exclusive([1])
      list.use { _ in list.use { $0.append(2) } }
    }
  }
}
