// Who makes room in a full table. One body of invented names must not keep out the clusters that come after it, and must
// not push out those that were there.
extension HAElection {
  /// True if the pairs of a cluster get numbers, under which the head remembers their spellings: not where names may be
  /// invented, which is once the table is more than half full and a single body of the cluster has come.
  func isWorthANumber(_ cluster: String) -> Bool {
    clusters.count <= settings.clusterLimit / 2 || clusters[cluster]?.hasWrittenOnce == false
  }

  /// Takes its place from one cluster that wrote once and never again; false where there is none.
  mutating func evict(now: Int64) -> Bool {
    var candidates = self.candidates ?? evictable(now: now)
    defer { self.candidates = candidates }
    while let name = candidates.popLast() {
      guard clusters[name]?.hasWrittenOnce == true else { continue }
      rest(evicted: name)
      evicted += 1
      return true
    }
    return false
  }

  /// Names of the clusters that may make room, the first to go last. Those of the body that brought the most go first,
  /// of two such bodies those of the older one. A cluster that came alone, as real ones do, goes only after
  /// `failoverMilliseconds` of silence; those of the present body stay.
  private func evictable(now: Int64) -> [String] {
    let counts = admittedCounts
    let found = clusters.filter { _, cluster in
      cluster.hasWrittenOnce && cluster.admittedBy != body
        && (counts[cluster.admittedBy] ?? 0 > 1 || now - cluster.leaderSeen >= settings.failoverMilliseconds)
    }
    return found.sorted { one, two in
      let (oneCount, twoCount) = (counts[one.value.admittedBy] ?? 0, counts[two.value.admittedBy] ?? 0)
      if oneCount != twoCount { return oneCount < twoCount }
      if one.value.admittedBy != two.value.admittedBy { return one.value.admittedBy > two.value.admittedBy }
      return one.key > two.key
    }.map(\.key)
  }
}
