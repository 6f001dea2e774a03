extension World.Statistics {
  package static func += (sum: inout World.Statistics, one: World.Statistics) {
    sum.worlds += one.worlds
    sum.diskOperations += one.diskOperations
    sum.steps += one.steps
    sum.starts += one.starts
    sum.kills += one.kills
    sum.powerLosses += one.powerLosses
    sum.faults += one.faults
    sum.fullDisks += one.fullDisks
    sum.damages += one.damages
    sum.checks += one.checks
    sum.samplesCompared += one.samplesCompared
    sum.reads += one.reads
    sum.snapshots += one.snapshots
    sum.refusedBodies += one.refusedBodies
    sum.deletions += one.deletions
  }

  /// One line for people.
  package var text: String {
    let days = Double(steps * 10 / 5_760) / 10
    return "\(days) server-days, \(starts) starts, \(kills) kills, \(powerLosses) power losses, \(faults) faults, "
      + "\(fullDisks) full disks, \(damages) damaged files, \(deletions) deletions, \(snapshots) snapshots, "
      + "\(checks) checks, \(reads) reads by other ways, \(samplesCompared) samples compared, "
      + "\(diskOperations) disk operations"
  }
}
