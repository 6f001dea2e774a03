import Ingest
import Model

/// What the rules of replicas allow for one pair, kept beside the server: who may lead, whose samples may be stored, which must
/// be. Times of `now` are those of the clock that never goes back. A plain value; one world's.
struct PairModel {
  static let failoverMilliseconds: Int64 = 30_000
  /// How long refused bodies are kept for a fail-over.
  static let keptMilliseconds: Int64 = 90_000
  /// They go with the next body that is kept, or the next look for what is too old: a minute later and a step.
  static let keptMillisecondsMax: Int64 = 165_000
  /// What is older may have left the head.
  static let headMilliseconds: Int64 = 3_600_000
  /// The longest gap while one replica writes all the time: a leader's silence that is no fail-over yet, and a scrape
  /// before and after.
  static let gapMillisecondsMax: Int64 = 60_000

  struct Refused {
    var replica: Int
    var arrived: Int64
    var series: SimulatedSender.Series
    /// False where the server took its samples for those of another time.
    var isKept: Bool
  }

  /// What may be stored, and what must be.
  var samples = WorldModel()
  /// The replicas of which one leads; nil: any may.
  private(set) var leaders: Set<Int>?
  private var refused: [Refused] = []
  /// When a body of each leader was last stored, or the server started.
  private var heard: [Int: Int64] = [:]
  private var startedAt: Int64 = 0
  /// The server may know nothing of the cluster, or that another leads than the last.
  private var isForgotten = false
  /// Turns between samples before this follow from a table of leaders that was lost, or a head that was emptied.
  private(set) var turnsJudgedFrom: Int64 = .min
  /// The newest sample that may have been stored, of each replica.
  private var newest: [Int: Int64] = [:]
  /// Changes of the leader that there may have been.
  private(set) var elections = 0
  /// Times at which for two minutes everything was well and one replica wrote without a pause.
  var wellAt: [Int64] = []
  var wellSince: Int64?
  /// Gaps before this are the fault of damage or a power loss.
  var gapsJudgedFrom: Int64 = .min

  /// The server has started. Where its table of leaders may be damaged, or was not written, any replica may lead.
  mutating func start(at now: Int64, isTableWhole: Bool) {
    if !isTableWhole { isForgotten = true }
    startedAt = now
    // The kept bodies were in memory.
    refused = []
    wellSince = nil
  }

  /// A body was stored. A text where the rules do not allow it.
  mutating func store(_ series: SimulatedSender.Series, of replica: Int, at now: Int64) -> String? {
    learn(at: now)
    var complaint: String?
    let isLeader = leaders?.contains(replica) ?? false
    if let leaders, !isLeader {
      let silence = now - max(startedAt, leaders.compactMap { heard[$0] }.max() ?? .min)
      if silence < PairModel.failoverMilliseconds {
        complaint = "a body of replica \(replica) was stored \(silence) ms after one of the leader"
      }
    }
    // What the one before has brought need not be stored again.
    let before = newest.filter { $0.key != replica }.values.max() ?? .min
    if !isLeader || leaders?.count != 1 {
      // What was kept of the new leader closes the gap.
      let closesGap = leaders?.count == 1
      take(over: replica, at: now) { closesGap && $0 > before }
    }
    note(series, of: replica) { $0 > before }
    leaders = [replica]
    heard[replica] = now
    return complaint
  }

  /// Nobody knows whether a body was stored.
  mutating func doubt(_ series: SimulatedSender.Series, of replica: Int, at now: Int64) {
    learn(at: now)
    if leaders?.contains(replica) != true { take(over: replica, at: now) { _ in false } }
    if leaders != nil { leaders?.insert(replica) }
    note(series, of: replica) { _ in false }
  }

  /// A body was refused, since another leads. A text where that one does not.
  mutating func refuse(
    _ series: SimulatedSender.Series, of replica: Int, leader: Int, at now: Int64, isKept: Bool
  ) -> String? {
    learn(at: now)
    refused.append(Refused(replica: replica, arrived: now, series: series, isKept: isKept))
    refused.removeAll { $0.arrived < now - PairModel.keptMillisecondsMax }
    let isKnown = leaders?.contains(leader) ?? true
    if isKnown && leaders?.count != 1 { heard[leader] = heard[leader] ?? startedAt }
    leaders = [leader]
    return isKnown ? nil : "replica \(leader) leads and was never elected"
  }

  /// A body has come: where the cluster was forgotten nobody knows who leads, and whatever it brings may be stored.
  private mutating func learn(at now: Int64) {
    guard isForgotten else { return }
    isForgotten = false
    leaders = nil
    turnsJudgedFrom = World.epoch + now
  }

  private mutating func take(over replica: Int, at now: Int64, _ isAcknowledged: (Int64) -> Bool) {
    elections += 1
    // A series of which the head holds nothing any more takes whatever comes.
    let before = newest.filter { $0.key != replica }.values.max() ?? .min
    if before < World.epoch + now - PairModel.headMilliseconds { turnsJudgedFrom = World.epoch + now }
    for body in refused where body.replica == replica && body.arrived >= now - PairModel.keptMillisecondsMax {
      note(body.series, of: replica) {
        body.isKept && body.arrived > now - PairModel.keptMilliseconds && isAcknowledged($0)
      }
    }
    refused.removeAll { $0.replica == replica }
  }

  private mutating func note(
    _ series: SimulatedSender.Series, of replica: Int, _ isAcknowledged: (Int64) -> Bool
  ) {
    for one in series {
      for sample in one.samples {
        samples.note(one.labels, [sample], acknowledged: isAcknowledged(sample.time))
        newest[replica] = max(newest[replica] ?? .min, sample.time)
      }
    }
  }
}
