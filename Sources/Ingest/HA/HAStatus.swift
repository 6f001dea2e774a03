/// The leader of each cluster, for the status page and the API. A plain value.
package struct HAStatus: Sendable {
  package struct Leader: Sendable {
    package var cluster: String
    package var replica: String
    package var electedAtMilliseconds: Int64
    package var lastSeenMilliseconds: Int64
    /// Nil where it has brought none since the start.
    package var newestSampleMilliseconds: Int64?
    package var changes: Int
    package var followers: [Follower]
  }

  package struct Follower: Sendable {
    package var replica: String
    package var lastSeenMilliseconds: Int64
    package var keptBodies: Int
    package var keptBytes: Int
  }

  /// A cluster of which nothing was heard for long, and who led it last.
  package struct Resting: Sendable {
    package var cluster: String
    package var replica: String
    package var newestSampleMilliseconds: Int64
    package var changes: Int
  }

  package var isEnabled: Bool
  package var failoverMilliseconds: Int64
  package var elected: [Leader]
  package var resting: [Resting]
}

extension HATracker {
  /// Times are of the wall clock.
  package func status(wall: Int64, now: Int64) -> HAStatus {
    let state = state.withLock { $0 }
    var kept: [HAPair: (bodies: Int, bytes: Int)] = [:]
    state.ring.forEach { body in
      for pair in body.pairs {
        kept[pair, default: (0, 0)].bodies += 1
        kept[pair, default: (0, 0)].bytes += body.bytes.count
      }
    }
    let elected = state.election.clusters.sorted { $0.key < $1.key }.map { name, cluster in
      HAStatus.Leader(
        cluster: name, replica: cluster.leader, electedAtMilliseconds: cluster.electedAtMilliseconds,
        lastSeenMilliseconds: wall - (now - cluster.leaderSeen),
        newestSampleMilliseconds: cluster.newestSample == .min ? nil : cluster.newestSample, changes: cluster.changes,
        followers: cluster.seen.sorted { $0.key < $1.key }.filter { $0.key != cluster.leader }.map { replica, seen in
          let kept = kept[HAPair(cluster: name, replica: replica)] ?? (0, 0)
          return HAStatus.Follower(
            replica: replica, lastSeenMilliseconds: wall - (now - seen), keptBodies: kept.bodies,
            keptBytes: kept.bytes)
        })
    }
    let resting = state.election.resting.sorted { $0.key < $1.key }.map { name, cluster in
      HAStatus.Resting(
        cluster: name, replica: cluster.leader, newestSampleMilliseconds: cluster.newestSample,
        changes: cluster.changes)
    }
    return HAStatus(
      isEnabled: state.options.isEnabled, failoverMilliseconds: state.options.failoverMilliseconds, elected: elected,
      resting: resting)
  }
}
