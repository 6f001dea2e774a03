import Format

/// Limits on what all databases of a server keep together. 0 means "no limit".
package struct TotalRetention: Sendable, Equatable {
  /// Bytes that blocks, logs and head chunks of all databases may take together.
  package var sizeBytes = 0
  /// A database that takes no more than this loses no block to the others.
  package var sparedBytes = 0

  package init() {}
}

/// The plan of which whole blocks to drop where all databases together take too much: the oldest first, whose ever they are; of
/// equally old ones that of the database which takes the most. Pure.
package struct TotalRetentionPlan: Sendable, Equatable {
  /// A database as the plan sees it.
  package struct Member: Sendable {
    package var blocks: [PlannedBlock]
    /// Bytes of its logs and head chunks, which nothing but time takes away.
    package var otherBytes: Int

    package init(_ blocks: [PlannedBlock], otherBytes: Int) {
      self.blocks = blocks
      self.otherBytes = otherBytes
    }

    var bytes: Int { blocks.reduce(otherBytes) { $0 + $1.sizeBytes } }
  }

  /// Positions of the blocks to drop, for each database in the order given.
  package var dropped: [[Int]]
  /// Bytes of all databases before, and once the blocks are gone.
  package var bytes: Int
  package var bytesLeft: Int

  package static func make(_ members: [Member], _ limits: TotalRetention) -> TotalRetentionPlan {
    var sizes = members.map(\.bytes)
    let bytes = sizes.reduce(0, +)
    var plan = TotalRetentionPlan(dropped: members.map { _ in [] }, bytes: bytes, bytesLeft: bytes)
    if limits.sizeBytes == 0 || bytes <= limits.sizeBytes { return plan }
    // The oldest of each database last, where it is taken from.
    var waiting = members.map { member in
      member.blocks.indices.sorted { (member.blocks[$0].maxTime, $0) > (member.blocks[$1].maxTime, $1) }
    }
    while plan.bytesLeft > limits.sizeBytes {
      var oldest: (member: Int, maxTime: Int64)?
      for (member, places) in waiting.enumerated() {
        guard let place = places.last, sizes[member] > limits.sparedBytes else { continue }
        let maxTime = members[member].blocks[place].maxTime
        guard let present = oldest else {
          oldest = (member, maxTime)
          continue
        }
        if (maxTime, sizes[present.member]) < (present.maxTime, sizes[member]) { oldest = (member, maxTime) }
      }
      guard let (member, _) = oldest, let place = waiting[member].popLast() else { break }
      plan.dropped[member].append(place)
      sizes[member] -= members[member].blocks[place].sizeBytes
      plan.bytesLeft -= members[member].blocks[place].sizeBytes
    }
    return plan
  }
}
