import CAllocationCount
import Format
import Platform
import Testing

@testable import TSDB

@Suite struct LogFollowerAllocationTests {
  @Test("neither a record nor a sample costs an allocation")
  func samples() throws {
    if apus_allocation_count() < 0 { return }
    let folder = try WALFolder()
    let log = try WALSetup(LinuxDisk(), root: folder.path).open()
    var follower = LogFollower(log, from: log.position)
    var columns = RecordColumns()
    var time: Int64 = 0
    var costs: [Int] = []
    // The first ones let the columns grow to their size.
    for series in [500, 500, 5, 500, 5, 500] as [UInt64] {
      for _ in 0..<200 {
        time += 1
        try log.commit((1...series).map { Sample($0, time, Double(time) * 0.7) })
      }
      var samples = 0
      let before = apus_allocation_count()
      while try follower.next(into: &columns, rowsMax: 200_000) == .records { samples += columns.samples.count }
      costs.append(apus_allocation_count() - before)
      #expect(samples == 200 * Int(series))
    }
    print("allocations of a follower for 200 records: \(costs[2]) with 5 samples each, \(costs[3]) with 500")
    #expect(costs[3] <= costs[2] + 8 && costs[5] <= costs[4] + 8, "\(costs)")
    // Nor does a record.
    #expect(costs[3] < 20, "\(costs)")
  }

  @Test("what reading a sample costs is told")
  func figures() throws {
    let folder = try WALFolder()
    let log = try WALSetup(LinuxDisk(), root: folder.path).open()
    let clock = SystemClock()
    for time in 0..<100 as Range<Int64> {
      try log.commit((0..<5000).map { Sample($0, time * 15_000, Double(time) * 0.7 + Double($0 % 7)) })
    }
    var follower = LogFollower(log, from: WALPosition(segment: 0, offset: 0))
    var columns = RecordColumns()
    var samples = 0
    let started = clock.monotonicNanoseconds()
    while try follower.next(into: &columns, rowsMax: 10_000) == .records { samples += columns.samples.count }
    let nanoseconds = clock.monotonicNanoseconds() - started
    #expect(samples == 500_000)
    print("a follower reads a sample in \(Double(nanoseconds) / Double(samples)) ns, in bodies of 5,000")
  }
}
