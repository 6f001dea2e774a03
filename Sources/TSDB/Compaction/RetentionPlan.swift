/// Limits on what is kept. 0 means "no limit".
package struct RetentionLimits: Sendable, Equatable {
  package var timeMilliseconds: Int64 = 0
  package var sizeBytes = 0
  /// The limit as a percentage of the file system's whole size; if set, it takes the place of `sizeBytes`.
  package var diskPercentage: Double = 0

  package init(timeMilliseconds: Int64 = 0, sizeBytes: Int = 0, diskPercentage: Double = 0) {
    self.timeMilliseconds = timeMilliseconds
    self.sizeBytes = sizeBytes
    self.diskPercentage = diskPercentage
  }

  /// The limit on bytes that counts on a file system of `diskBytes` (0: unknown).
  package func bytesMax(diskBytes: Int) -> Int {
    guard diskPercentage > 0, diskBytes > 0 else { return sizeBytes }
    let bytes = Double(diskBytes) * diskPercentage / 100
    return bytes < Double(Int.max) ? Int(bytes) : Int.max
  }
}

/// The plan of which whole blocks to drop. Pure.
package struct RetentionPlan: Sendable, Equatable {
  /// Positions in the list that was planned for. A block may be both here and in the other list.
  package var expired: [Int] = []
  package var oversized: [Int] = []

  package var all: [Int] { Array(Set(expired + oversized)).sorted() }

  /// - Parameters:
  ///   - newestTime: the youngest sample there is, but no later than the clock: time runs with the data, so that neither a
  ///     clock that went wrong nor a sample from the future empties the database.
  ///   - keptMilliseconds: how long the longest-living series are kept (0: for ever).
  ///   - bytesMax: for blocks and `otherBytes` (log and head chunks) together (0: no limit). The oldest blocks go first.
  package static func make(
    _ blocks: [PlannedBlock], newestTime: Int64, keptMilliseconds: Int64, bytesMax: Int, otherBytes: Int
  ) -> RetentionPlan {
    var plan = RetentionPlan()
    if keptMilliseconds > 0 {
      let (limit, overflows) = newestTime.subtractingReportingOverflow(keptMilliseconds)
      if !overflows { plan.expired = blocks.indices.filter { blocks[$0].maxTime <= limit } }
    }
    if bytesMax > 0 {
      let newestFirst = blocks.indices.sorted { (blocks[$0].maxTime, $0) > (blocks[$1].maxTime, $1) }
      var bytes = otherBytes
      for (place, member) in newestFirst.enumerated() {
        bytes += blocks[member].sizeBytes
        if bytes > bytesMax {
          plan.oversized = newestFirst[place...].sorted()
          break
        }
      }
    }
    return plan
  }
}
