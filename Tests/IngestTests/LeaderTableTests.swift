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
    LeaderTable.Leader(
      cluster: "rests", replica: "resting", electedAtMilliseconds: 3, supersededThrough: 4, changes: 5,
      hasWrittenOnce: true, restingNewestSample: -1),
    LeaderTable.Leader(
      cluster: "once", replica: "once", electedAtMilliseconds: 3, supersededThrough: 4, changes: 5,
      restingNewestSample: .min),
  ]

  @Test("what is written is read, whatever the names are")
  func roundTrip() {
    #expect(LeaderTable.decode(LeaderTable.encode(leaders)) == leaders)
    #expect(LeaderTable.decode(LeaderTable.encode([])) == [])
    for wrong in ["c r 1 2", "c r 1 2 3 twice", "c r 1 2 3 once resting", "c r 1 2 3 resting x", "c r 1 2 resting 3"] {
      #expect(LeaderTable.decode(Array(wrong.utf8)) == nil, "\(wrong)")
    }
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
