/// Elects the leader of each cluster: the replica whose samples are stored. A pure state machine: its caller tells it
/// what arrived and when, on a clock that never goes back, and it answers with a verdict. Owned by `HATracker`.
///
/// Rules: the first replica that writes for a cluster leads it. Nobody leads because of a name, and a replica that lost
/// the lead gets it back only when the present leader falls silent. Another replica takes over once no body of the
/// leader has arrived for `failoverMilliseconds`, and only with samples newer than the newest the leader brought.
///
/// Where the table is full, a new cluster takes the place of one of which a single body came and no other
/// (`HAElection+Eviction`): invented names never write again, and senders do. A cluster that falls silent frees its
/// place and rests (`HAElection+Resting`).
struct HAElection {
  /// Most clusters where the configuration names no limit.
  static let clustersMax = 10_000
  /// Replicas of one cluster that are remembered; further ones are followers all the same.
  static let replicasPerClusterMax = 64
  /// The database refuses samples further ahead of the clock. A newest sample from a time when the clock was wrong
  /// counts for no more than this, or nobody could take over before its time.
  static let futureMillisecondsMax: Int64 = 600_000
  /// After this time without a body a replica is forgotten, and a cluster of which none is left rests.
  static let idleMilliseconds: Int64 = 30 * 60_000

  struct Settings: Equatable, Sendable {
    var failoverMilliseconds: Int64 = 30_000
    /// 0: `HAElection.clustersMax`.
    var clustersMax = 0

    var clusterLimit: Int { clustersMax > 0 ? clustersMax : HAElection.clustersMax }
  }

  /// One cluster as the election knows it. Times of `…Seen` are on the clock of `now`; times of samples are their
  /// timestamps.
  struct Cluster: Equatable, Sendable {
    var leader: String
    /// The server's wall clock in milliseconds at the election, for people.
    var electedAtMilliseconds: Int64
    /// The time the leader was last heard.
    var leaderSeen: Int64
    /// The newest timestamp among the samples of this leader and of those before it.
    var newestSample: Int64
    /// True if the leader is of an earlier run and no sample of the cluster has come since: `newestSample` is then an
    /// upper bound, and so is this clock once it is right.
    var isNewestAssumed = false
    /// The newest sample of the leader before. Up to this time a sample that is not newer than the last one of its
    /// series is superseded: the former leader has brought it.
    var supersededThrough = Int64.min
    var changes = 0
    /// The time each replica was last heard, the leader's too.
    var seen: [String: Int64] = [:]
    /// The number of the body that made it known; 0: it is of an earlier run.
    var admittedBy = 0
    /// True until another body than that one has come.
    var hasWrittenOnce = false
  }

  enum Verdict: Equatable, Sendable {
    /// The body is of the leader: its samples are stored.
    case accepted
    /// Accepted, and the replica leads since this very body. `previous` is the leader that fell silent; nil where the
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
  /// Clusters that have a place, by name.
  var clusters: [String: Cluster] = [:]
  /// Clusters that have no place but are remembered, by name; no name is in both.
  var resting: [String: Cluster] = [:]
  /// The number of the present body.
  private(set) var body = 0
  /// Number of clusters that each body has made known, by the body's number.
  var admittedCounts: [Int: Int] = [:]
  /// Clusters that may make room for those of the present body, the next one last; nil until one has to.
  var candidates: [String]?
  /// Clusters that have made room.
  var evicted = 0
  /// Clusters of which a second body has come.
  private(set) var established = 0
  /// Clusters that rested and have a place again.
  var woken = 0

  init(_ settings: Settings) { self.settings = settings }

  /// Begins another body: the verdicts from here on are of it.
  mutating func beginBody() {
    body += 1
    candidates = nil
  }

  /// A body of `replica` has arrived whose newest sample is at `newest`; nil where it has none, which changes nothing but
  /// that the replica was heard.
  mutating func judge(cluster name: String, replica: String, newest: Int64?, now: Int64, wall: Int64) -> Verdict {
    if clusters[name] == nil, let verdict = admit(name, replica, newest: newest, now: now, wall: wall) {
      return verdict
    }
    guard var cluster = clusters[name] else { return .accepted }
    clusters[name] = nil
    defer { clusters[name] = cluster }
    if cluster.hasWrittenOnce && cluster.admittedBy != body && newest != nil {
      cluster.hasWrittenOnce = false
      established += 1
    }
    // A body of which nothing can be taken says that it is this clock which is behind: what was brought stays as new as it was.
    if newest != nil {
      let ahead = cluster.isNewestAssumed ? 0 : HAElection.futureMillisecondsMax
      cluster.newestSample = min(cluster.newestSample, wall + ahead)
      cluster.isNewestAssumed = false
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

  /// Takes over a leader of an earlier run: it counts as heard just now.
  mutating func restore(_ leader: LeaderTable.Leader, newestSample: Int64, now: Int64) {
    if let newest = leader.restingNewestSample {
      resting[leader.cluster] = Cluster(
        leader: leader.replica, electedAtMilliseconds: leader.electedAtMilliseconds,
        leaderSeen: now, newestSample: newest,
        supersededThrough: leader.supersededThrough, changes: leader.changes, hasWrittenOnce: leader.hasWrittenOnce)
      return
    }
    clusters[leader.cluster] = Cluster(
      leader: leader.replica, electedAtMilliseconds: leader.electedAtMilliseconds, leaderSeen: now,
      newestSample: newestSample, isNewestAssumed: true, supersededThrough: leader.supersededThrough,
      changes: leader.changes,
      seen: [leader.replica: now], hasWrittenOnce: leader.hasWrittenOnce)
    if leader.hasWrittenOnce { admittedCounts[0, default: 0] += 1 }
  }

  /// The leader of every cluster, the resting ones included, sorted by cluster: the table that `HATracker` saves for
  /// the next start.
  var leaders: [LeaderTable.Leader] {
    let present = clusters.map { name, cluster in cluster.asLeader(of: name, restingNewestSample: nil) }
    let resting = resting.map { name, cluster in
      cluster.asLeader(of: name, restingNewestSample: cluster.newestSample)
    }
    return (present + resting).sorted { $0.cluster < $1.cluster }
  }
}

extension HAElection.Cluster {
  fileprivate func asLeader(of name: String, restingNewestSample: Int64?) -> LeaderTable.Leader {
    LeaderTable.Leader(
      cluster: name, replica: leader, electedAtMilliseconds: electedAtMilliseconds,
      supersededThrough: supersededThrough, changes: changes, hasWrittenOnce: hasWrittenOnce,
      restingNewestSample: restingNewestSample)
  }
}
