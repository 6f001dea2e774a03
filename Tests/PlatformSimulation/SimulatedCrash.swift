import Platform

/// What a crash of a `SimulatedDisk` leaves of the changes that no sync had made durable.
package enum SimulatedCrash: String, Sendable, CaseIterable {
  /// The process died, the machine did not: everything is left.
  case processOnly
  /// Nothing is left.
  case allLost
  /// Of each file a random number of its first changes, of each directory likewise.
  case prefixKept
  /// As `prefixKept`; of a file's next write each sector is left or not.
  case torn
  /// Of each file any sectors of any writes, as when the kernel writes pages back in its own order.
  case scattered

  /// What a disk writes whole or not at all.
  package static let sectorBytes = 512

  /// The bytes of a file after the crash.
  func survivingBytes(of node: SimulatedNode, using numbers: inout SeededNumbers) -> [UInt8] {
    var bytes = node.durableBytes
    switch self {
    case .processOnly: return node.bytes
    case .allLost: break
    case .prefixKept, .torn:
      let keptCount = Int.random(in: 0...node.changes.count, using: &numbers)
      for change in node.changes[..<keptCount] { SimulatedNode.apply(change, to: &bytes) }
      if self == .torn, keptCount < node.changes.count {
        Self.applyTorn(node.changes[keptCount], to: &bytes, using: &numbers)
      }
    case .scattered:
      for change in node.changes { Self.applyTorn(change, to: &bytes, using: &numbers) }
    }
    return bytes
  }

  /// Each sector of a write is left or not, and the file may have grown over those that are not: they read as zeros. A
  /// truncation is left or not.
  private static func applyTorn(
    _ change: SimulatedNode.Change, to bytes: inout [UInt8], using numbers: inout SeededNumbers
  ) {
    guard case .write(let offset, let written) = change else {
      if Bool.random(using: &numbers) { SimulatedNode.apply(change, to: &bytes) }
      return
    }
    let end = offset + written.count
    var start = offset
    while start < end {
      let next = min(end, (start / sectorBytes + 1) * sectorBytes)
      if Bool.random(using: &numbers) {
        let sector = Array(written[(start - offset)..<(next - offset)])
        SimulatedNode.apply(.write(offset: start, bytes: sector), to: &bytes)
      }
      start = next
    }
    if Bool.random(using: &numbers) { SimulatedNode.grow(&bytes, to: end) }
  }

  /// How many of the changes of names are left: per directory the first ones, and a change of two directories as a whole.
  func survivingNames(_ changes: [SimulatedNames.Change], using numbers: inout SeededNumbers) -> [SimulatedNames.Change]
  {
    switch self {
    case .processOnly: return changes
    case .allLost: return []
    case .prefixKept, .torn, .scattered: break
    }
    var lostDirectories: Set<ObjectIdentifier> = []
    return changes.filter { change in
      let isKept = lostDirectories.isDisjoint(with: change.directories) && Int.random(in: 0..<4, using: &numbers) != 0
      if !isKept { lostDirectories.formUnion(change.directories) }
      return isKept
    }
  }
}
