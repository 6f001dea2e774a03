import Testing

@testable import Model

@Suite("Lent bytes")
struct LentBytesTests {
  private struct Wrong: Error {}

  @Test("every part of every size holds the bytes of its range")
  func parts() {
    let bytes = (0..<9).map { UInt8($0 * 17) }
    bytes.lend { lent in
      #expect(Array(lent) == bytes && lent.elementsEqual(bytes) && Array(lent.raw) == bytes)
      for start in 0...bytes.count {
        #expect(Array(lent.part(from: start)) == Array(bytes[start...]))
        for end in start...bytes.count { #expect(Array(lent.part(start..<end)) == Array(bytes[start..<end])) }
      }
    }
    #expect(LentBytes().isEmpty && [UInt8]().lend { $0.isEmpty } && "".lend { $0.isEmpty })
    #expect("zoé".lend { Array($0) } == Array("zoé".utf8))
  }

  @Test("what is behind the end is not read: the process ends")
  func behindTheEnd() async {
    await #expect(processExitsWith: .failure) { _ = [1, 2, 3].lend { $0[3] } }
    await #expect(processExitsWith: .failure) { _ = [1, 2, 3].lend { $0[-1] } }
    await #expect(processExitsWith: .failure) { _ = [1, 2, 3].lend { $0.part(1..<4).count } }
  }

  @Test("a typed error comes through")
  func typedError() {
    #expect(throws: Wrong.self) { try [1 as UInt8].lend { (_) throws(Wrong) in throw Wrong() } }
  }
}
