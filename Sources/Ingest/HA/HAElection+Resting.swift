// Clusters of which nothing was heard for long. They rest: their places are free for others, but who led them and how new
// the samples are that it brought stays known, as long as samples of that time would still be stored. So a replica that comes
// back with a backlog is judged by the same rules after a week as after a minute.
extension HAElection {
  /// Clusters that may rest: as many as may have a place.
  var restingMax: Int { settings.clusterLimit }
  /// A day: no cluster has to be silent for longer to be forgotten.
  private static var silenceMillisecondsMin: Int64 { 86_400_000 }

  /// Forgets replicas that were not heard for `idleMilliseconds`. Puts clusters of which no replica is left to rest;
  /// returns their names.
  mutating func restIdle(now: Int64) -> [String] {
    var rested: [String] = []
    for (name, var cluster) in clusters {
      let before = cluster.seen.count
      cluster.seen = cluster.seen.filter { now - $0.value < HAElection.idleMilliseconds }
      if cluster.seen.isEmpty && now - cluster.leaderSeen >= HAElection.idleMilliseconds {
        clusters[name] = nil
        resting[name] = cluster
        rested.append(name)
      } else if cluster.seen.count != before {
        clusters[name] = cluster
      }
    }
    let bodies = Set(clusters.values.map(\.admittedBy))
    admittedCounts = admittedCounts.filter { bodies.contains($0.key) }
    return rested.sorted()
  }

  /// Forgets resting clusters, and returns them: those whose samples all lie before `oldestTaken`, so that no backlog gets
  /// between them, and those that are too many. Of these go first those of which a single body came, then those whose leader
  /// was heard the longest ago.
  ///
  /// A clock that is wrong for a while makes nobody forgotten: a cluster must have been silent, on the clock that never goes
  /// back, for as long as samples may be late, or a day.
  mutating func forgetResting(now: Int64, wall: Int64, oldestTaken: Int64) -> [String] {
    var forgotten = resting.filter { _, cluster in
      cluster.newestSample < oldestTaken
        && now - cluster.leaderSeen >= min(wall - oldestTaken, HAElection.silenceMillisecondsMin)
    }.map(\.key)
    for name in forgotten { resting[name] = nil }
    if resting.count > restingMax {
      let sorted = resting.sorted { one, two in
        if one.value.hasWrittenOnce != two.value.hasWrittenOnce { return one.value.hasWrittenOnce }
        if one.value.leaderSeen != two.value.leaderSeen { return one.value.leaderSeen < two.value.leaderSeen }
        return one.key < two.key
      }
      for (name, _) in sorted.prefix(resting.count - restingMax) {
        resting[name] = nil
        forgotten.append(name)
      }
    }
    return forgotten.sorted()
  }

  /// Lets a cluster rest that gives its place to another. One of which a single body came displaces none that rests.
  mutating func rest(evicted name: String) {
    guard var cluster = clusters.removeValue(forKey: name), resting.count < restingMax else { return }
    cluster.seen = [:]
    resting[name] = cluster
  }

  /// Gives a cluster that has no place one, as it was where it rests. A verdict where nothing remains to be judged.
  mutating func admit(_ name: String, _ replica: String, newest: Int64?, now: Int64, wall: Int64) -> Verdict? {
    guard let newest else {
      guard let leader = resting[name]?.leader, leader != replica else { return .accepted }
      return .refused(leader: leader)
    }
    if clusters.count >= settings.clusterLimit && !evict(now: now) {
      return .tooManyClusters(limit: settings.clusterLimit)
    }
    if let cluster = resting.removeValue(forKey: name) {
      clusters[name] = cluster
      woken += 1
      return nil
    }
    clusters[name] = Cluster(
      leader: replica, electedAtMilliseconds: wall, leaderSeen: now, newestSample: newest, seen: [replica: now],
      admittedBy: body, hasWrittenOnce: true)
    admittedCounts[body, default: 0] += 1
    return .elected(previous: nil)
  }
}
