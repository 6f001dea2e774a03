/// The groups that one discovery has told, by their sources. A value.
struct FoundGroups: Sendable, Equatable {
  private struct Entry: Sendable, Equatable {
    var group: TargetGroup
    /// Groups keep the order in which their sources first came.
    var rank: Int
  }

  private var entries: [String: Entry] = [:]
  private var ranks = 0
  private(set) var targetCount = 0

  init() {}

  /// In the order of their coming.
  var groups: [TargetGroup] { entries.values.sorted { $0.rank < $1.rank }.map(\.group) }

  /// Takes the change over; false where all stays as it was.
  mutating func take(_ change: DiscoverySink.Change) -> Bool {
    switch change {
    case .one(let group): return put(group)
    case .all(let groups):
      // Of two groups of one source the last one counts.
      var last: [String: Int] = [:]
      for (place, group) in groups.enumerated() where !group.targets.isEmpty { last[group.source] = place }
      var isChanged = false
      for source in entries.keys where last[source] == nil { isChanged = remove(source) || isChanged }
      for (place, group) in groups.enumerated() where last[group.source] == place {
        isChanged = put(group) || isChanged
      }
      return isChanged
    }
  }

  private mutating func put(_ group: TargetGroup) -> Bool {
    if group.targets.isEmpty { return remove(group.source) }
    if let old = entries[group.source] {
      if old.group == group { return false }
      targetCount -= old.group.targets.count
      entries[group.source]?.group = group
    } else {
      ranks += 1
      entries[group.source] = Entry(group: group, rank: ranks)
    }
    targetCount += group.targets.count
    return true
  }

  private mutating func remove(_ source: String) -> Bool {
    guard let old = entries.removeValue(forKey: source) else { return false }
    targetCount -= old.group.targets.count
    return true
  }
}
