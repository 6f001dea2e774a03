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
  func damage() {
    let bytes = LeaderTable.encode(leaders)
    for index in bytes.indices {
      #expect(LeaderTable.decode(Array(bytes[..<index])) == nil)
      for bit in 0..<8 {
        var changed = bytes
        changed[index] ^= 1 << bit
        #expect(LeaderTable.decode(changed) == nil, "byte \(index) bit \(bit)")
      }
    }
    #expect(LeaderTable.decode(bytes + [10]) == nil)
  }
}
