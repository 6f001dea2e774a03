/// Which replica of each cluster is the leader: the one whose samples are stored. A pure state machine: it is told what
/// arrived and when, on a clock that never goes back, and says what becomes of it. Owned by `HATracker`.
///
/// Rules: who writes first for a cluster leads it. Nobody leads because of a name, and who has lost the lead gets it back
/// only when the one who has it falls silent. Another replica takes over once no body of the leader has arrived for
/// `failoverMilliseconds`, and only with samples newer than the newest the leader brought.
///
/// When there are as many clusters as there may be, a new one takes the place of one of which a single body came and no
/// other (`HAElection+Eviction`): invented names never write again, and senders do.
struct HAElection {
  /// Clusters that are told apart where the configuration names no limit.
  static let clustersMax = 10_000
  /// Replicas of one cluster that are remembered; further ones are followers all the same.
  static let replicasPerClusterMax = 64
  /// Samples further ahead of the clock are refused. What a clock that was wrong has let in counts for no more than this, or
  /// nobody could take over before its time.
  static let futureMillisecondsMax: Int64 = 600_000
  /// After this time without a body a replica, and a cluster of which none is left, is forgotten.
  static let idleMilliseconds: Int64 = 30 * 60_000

  struct Settings: Equatable, Sendable {
    var failoverMilliseconds: Int64 = 30_000
    /// 0: `HAElection.clustersMax`.
    var clustersMax = 0

    var clusterLimit: Int { clustersMax > 0 ? clustersMax : HAElection.clustersMax }
  }

  /// What is known of a cluster. Times of `…Seen` are those handed in as `now`, times of samples are the samples'.
  struct Cluster: Equatable, Sendable {
    var leader: String
    /// Of the server's wall clock, for people.
    var electedAtMilliseconds: Int64
    /// When a body of the leader was last accepted.
    var leaderSeen: Int64
    /// Of the leader's samples, and of those before it.
    var newestSample: Int64
    /// What the leader brings up to this time has been brought by the one before it, unless a series has nothing that late.
    var supersededThrough = Int64.min
    var changes = 0
    /// When each replica was last heard, the leader among them.
    var seen: [String: Int64] = [:]
    /// The number of the body that made it known; 0: it is of an earlier run.
    var admittedBy = 0
    /// True until another body than that one has come.
    var hasWrittenOnce = false
  }

  enum Verdict: Equatable, Sendable {
    /// Of the leader: stored.
    case accepted
    /// As `accepted`, and the replica leads since this very body. `previous` is the leader that fell silent; nil where the
    /// cluster is new.
    case elected(previous: Previous?)
    case refused(leader: String)
    case tooManyClusters(limit: Int)
  }

  struct Previous: Equatable, Sendable {
    var leader: String
    var newestSample: Int64
    var silentMilliseconds: Int64
  }

  var settings: Settings
  var clusters: [String: Cluster] = [:]
  /// The number of the present body.
  private(set) var body = 0
  /// How many clusters each body has made known, of bodies that have made any.
  var admittedCounts: [Int: Int] = [:]
  /// Clusters that may make room for those of the present body, the next one last; nil until one has to.
  var candidates: [String]?
  /// Clusters that have made room.
  var evicted = 0
  /// Clusters of which a second body has come.
  private(set) var established = 0

  init(_ settings: Settings) { self.settings = settings }

  /// What is judged from here on is of another body.
  mutating func beginBody() {
    body += 1
    candidates = nil
  }

  /// A body of `replica` has arrived whose newest sample is at `newest`; nil where it has none, which changes nothing but
  /// that the replica was heard.
  mutating func judge(cluster name: String, replica: String, newest: Int64?, now: Int64, wall: Int64) -> Verdict {
    guard var cluster = clusters[name] else {
      guard let newest else { return .accepted }
      if clusters.count >= settings.clusterLimit && !evict(now: now) {
        return .tooManyClusters(limit: settings.clusterLimit)
      }
      clusters[name] = Cluster(
        leader: replica, electedAtMilliseconds: wall, leaderSeen: now, newestSample: newest, seen: [replica: now],
        admittedBy: body, hasWrittenOnce: true)
      admittedCounts[body, default: 0] += 1
      return .elected(previous: nil)
    }
    clusters[name] = nil
    defer { clusters[name] = cluster }
    if cluster.hasWrittenOnce && cluster.admittedBy != body && newest != nil {
      cluster.hasWrittenOnce = false
      established += 1
    }
    // A body of which nothing can be taken says that it is this clock which is behind: what was brought stays as new as it was.
    if newest != nil {
      cluster.newestSample = min(cluster.newestSample, wall + HAElection.futureMillisecondsMax)
      cluster.supersededThrough = min(cluster.supersededThrough, wall + HAElection.futureMillisecondsMax)
    }
    if cluster.seen[replica] != nil || cluster.seen.count < HAElection.replicasPerClusterMax
      || replica == cluster.leader
    {
      cluster.seen[replica] = now
    }
    if replica == cluster.leader {
      cluster.leaderSeen = now
      if let newest { cluster.newestSample = max(cluster.newestSample, newest) }
      return .accepted
    }
    let silence = now - cluster.leaderSeen
    guard silence >= settings.failoverMilliseconds, let newest, newest > cluster.newestSample else {
      return .refused(leader: cluster.leader)
    }
    let previous = Previous(
      leader: cluster.leader, newestSample: cluster.newestSample, silentMilliseconds: silence)
    cluster.leader = replica
    cluster.electedAtMilliseconds = wall
    cluster.leaderSeen = now
    cluster.supersededThrough = cluster.newestSample
    cluster.newestSample = newest
    cluster.changes += 1
    cluster.seen[replica] = now
    return .elected(previous: previous)
  }

  /// Drops what has not been heard for `idleMilliseconds`; returns the clusters of which nothing is left.
  mutating func forgetIdle(now: Int64) -> [String] {
    var forgotten: [String] = []
    for (name, var cluster) in clusters {
      let before = cluster.seen.count
      cluster.seen = cluster.seen.filter { now - $0.value < HAElection.idleMilliseconds }
      if cluster.seen.isEmpty && now - cluster.leaderSeen >= HAElection.idleMilliseconds {
        clusters[name] = nil
        forgotten.append(name)
      } else if cluster.seen.count != before {
        clusters[name] = cluster
      }
    }
    let bodies = Set(clusters.values.map(\.admittedBy))
    admittedCounts = admittedCounts.filter { bodies.contains($0.key) }
    return forgotten.sorted()
  }

  /// Takes over a leader of an earlier run: it counts as heard just now.
  mutating func restore(_ leader: LeaderTable.Leader, newestSample: Int64, now: Int64) {
    clusters[leader.cluster] = Cluster(
      leader: leader.replica, electedAtMilliseconds: leader.electedAtMilliseconds, leaderSeen: now,
      newestSample: newestSample, supersededThrough: leader.supersededThrough, changes: leader.changes,
      seen: [leader.replica: now], hasWrittenOnce: leader.hasWrittenOnce)
    if leader.hasWrittenOnce { admittedCounts[0, default: 0] += 1 }
  }

  /// What a restart must know.
  var leaders: [LeaderTable.Leader] {
    clusters.map { name, cluster in
      LeaderTable.Leader(
        cluster: name, replica: cluster.leader, electedAtMilliseconds: cluster.electedAtMilliseconds,
        supersededThrough: cluster.supersededThrough, changes: cluster.changes,
        hasWrittenOnce: cluster.hasWrittenOnce)
    }.sorted { $0.cluster < $1.cluster }
  }
}
