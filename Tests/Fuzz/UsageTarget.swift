import Platform
import PlatformSimulation

@testable import Workspaces

// The usage of a workspace: bytes to hours and back, then hours that go on growing.
extension FuzzTarget {
  static let usage = FuzzTarget(name: "usage", seeds: { usageSeeds }) { bytes in
    let path = "/d/apus.usage"
    let disk = SimulatedDisk()
    var input = FuzzInput(bytes)
    let how = input.byte()
    let sealed = UsageFile.file(path, on: disk)
    let body = Array(input.rest)
    write(how % 2 == 0 ? body : sealed.seal(body), to: path, on: disk)
    let registry = MetricsRegistry()
    let damaged = DamagedFiles(
      Quarantine(disk, "/d/quarantine", log: .silent), names: [], log: .silent, registry: registry)
    let clock = SimulatedClock(nowMilliseconds: 1_700_000_000_000)
    let usage = WorkspaceUsage(path, on: disk, clock: clock, damaged: damaged, registry: registry) {
      var readings = WorkspaceUsage.Readings()
      readings.counts.querySamples = Int(clock.monotonicMilliseconds)
      readings.storedBytes = .max
      return readings
    }
    clock.advance(milliseconds: WorkspaceUsage.lookMilliseconds)
    usage.lookIfDue()
    let hours = usage.hours
    precondition(zip(hours, hours.dropFirst()).allSatisfy { $0.number < $1.number }, "hours are out of order")
    var total = UsageCounts()
    for hour in hours { total.add(hour.counts) }
    _ = UsagePrices().cost(of: total)
    guard let contents = UsageFile.decode(body) else { return }
    let again = UsageFile.decode(UsageFile.encode(contents))
    precondition(again?.history.hours == contents.history.hours, "hours do not come back")
  }

  private static var usageSeeds: [[UInt8]] {
    // Looked at 64 ms after 1970 with 5 bytes; an hour with samples and bytes, and the next with queries.
    let body: [UInt8] = [0x80, 1, 5, 2, 0xac, 2, 1, 0x38, 7, 9, 3, 0x80, 8, 1, 0x80, 1, 4, 6]
    return [[1] + body, [0] + body, [1, 0, 0, 0], [1]]
  }
}
