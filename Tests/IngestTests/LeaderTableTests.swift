import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import Ingest

@Suite struct LeaderTableTests {
  private let leaders = [
    LeaderTable.Leader(cluster: "prod", replica: "a", electedAtMilliseconds: 1, supersededThrough: .min, changes: 0),
    LeaderTable.Leader(
      cluster: "größer %20 \n", replica: " \u{0}\t😀", electedAtMilliseconds: 1_700_000_000_000, supersededThrough: 5,
      changes: 12),
  ]

  @Test("what is written is read, whatever the names are")
  func roundTrip() {
    #expect(LeaderTable.decode(LeaderTable.encode(leaders)) == leaders)
    #expect(LeaderTable.decode(LeaderTable.encode([])) == [])
  }

  @Test("a file with any byte changed, or cut anywhere, is damaged")
  func damage() throws {
    let file = LeaderTable.file("/leaders", on: SimulatedDisk())
    let bytes = file.seal(LeaderTable.encode(leaders))
    #expect(file.unseal(bytes).flatMap { LeaderTable.decode($0.body) } == leaders)
    for index in bytes.indices {
      #expect(file.unseal(Array(bytes[..<index])) == nil)
      for bit in 0..<8 {
        var changed = bytes
        changed[index] ^= 1 << bit
        #expect(file.unseal(changed) == nil, "byte \(index) bit \(bit)")
      }
    }
    #expect(file.unseal(bytes + [10]) == nil)
  }

  @Test("the bytes are those that earlier versions wrote")
  func knownBytes() {
    let bytes = LeaderTable.file("/leaders", on: SimulatedDisk()).seal(LeaderTable.encode([leaders[0]]))
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == "apus ha leaders 1\nprod a 1 -9223372036854775808 0\ncrc32c f0e71720\n")
  }
}
