import TestKit
import Testing

@testable import Ingest

@Suite struct HAElectionTests {
  private static let wall: Int64 = 1_700_000_000_000

  private func election(failover: Int64 = 30_000, clusters: Int = 0) -> HAElection {
    HAElection(HAElection.Settings(failoverMilliseconds: failover, clustersMax: clusters))
  }

  private func forget(_ election: inout HAElection, at now: Int64) -> [String] { election.forgetIdle(now: now) }

  /// A body at `now` with a sample of that time, unless another is given.
  private func judge(
    _ election: inout HAElection, _ replica: String, at now: Int64, newest: Int64?, cluster: String = "c"
  ) -> HAElection.Verdict {
    election.judge(cluster: cluster, replica: replica, newest: newest, now: now, wall: Self.wall + now)
  }

  @Test("the first writer leads, another follows, and the lead does not come back by itself")
  func noFailBack() {
    var election = election()
    #expect(judge(&election, "a", at: 0, newest: 100) == .elected(previous: nil))
    #expect(judge(&election, "b", at: 1000, newest: 1100) == .refused(leader: "a"))
    #expect(judge(&election, "a", at: 2000, newest: 2100) == .accepted)
    #expect(judge(&election, "b", at: 31_999, newest: 31_000) == .refused(leader: "a"))
    let previous = HAElection.Previous(leader: "a", newestSample: 2100, silentMilliseconds: 30_000)
    #expect(judge(&election, "b", at: 32_000, newest: 31_500) == .elected(previous: previous))
    #expect(election.clusters["c"]?.supersededThrough == 2100)
    #expect(judge(&election, "a", at: 32_001, newest: 32_000) == .refused(leader: "b"))
    for now in stride(from: Int64(33_000), to: 200_000, by: 10_000) {
      #expect(judge(&election, "b", at: now, newest: now) == .accepted)
      #expect(judge(&election, "a", at: now + 1, newest: now + 1) == .refused(leader: "b"))
    }
    #expect(election.clusters["c"]?.changes == 1)
  }

  @Test("a candidate whose samples are not newer than the leader's waits, however long the leader is silent")
  func delayedCandidate() {
    var election = election()
    _ = judge(&election, "a", at: 0, newest: 50_000)
    #expect(judge(&election, "b", at: 40_000, newest: 20_000) == .refused(leader: "a"))
    #expect(judge(&election, "b", at: 90_000, newest: 50_000) == .refused(leader: "a"))
    #expect(judge(&election, "b", at: 90_001, newest: nil) == .refused(leader: "a"))
    let previous = HAElection.Previous(leader: "a", newestSample: 50_000, silentMilliseconds: 90_002)
    #expect(judge(&election, "b", at: 90_002, newest: 50_001) == .elected(previous: previous))
  }

  @Test("a leader that replays a backlog keeps the lead, and its old samples do not lower the bar")
  func backlog() {
    var election = election()
    _ = judge(&election, "a", at: 0, newest: 1_000_000)
    for now in stride(from: Int64(10_000), through: 100_000, by: 10_000) {
      #expect(judge(&election, "a", at: now, newest: 500_000 + now) == .accepted)
      #expect(judge(&election, "b", at: now + 1, newest: 2_000_000) == .refused(leader: "a"))
    }
    #expect(election.clusters["c"]?.newestSample == 1_000_000)
  }

  @Test("too many clusters are refused by their number, and a slot is free after half an hour of silence")
  func bound() {
    var election = election(clusters: 2)
    #expect(judge(&election, "a", at: 0, newest: 1, cluster: "one") == .elected(previous: nil))
    #expect(judge(&election, "a", at: 60_000, newest: 1, cluster: "two") == .elected(previous: nil))
    #expect(judge(&election, "a", at: 60_000, newest: 1, cluster: "three") == .tooManyClusters(limit: 2))
    #expect(judge(&election, "a", at: 60_000, newest: nil, cluster: "three") == .accepted)
    #expect(forget(&election, at: 30 * 60_000 - 1) == [])
    #expect(forget(&election, at: 30 * 60_000) == ["one"])
    #expect(judge(&election, "b", at: 30 * 60_000, newest: 1, cluster: "three") == .elected(previous: nil))
    #expect(election.clusters.keys.sorted() == ["three", "two"])
    #expect(HAElection.Settings(failoverMilliseconds: 1, clustersMax: 0).clusterLimit == HAElection.clustersMax)
  }

  @Test("a follower that is heard keeps its cluster; replicas that are not heard are forgotten one by one")
  func idleReplicas() {
    var election = election()
    _ = judge(&election, "a", at: 0, newest: 5_000_000)
    _ = judge(&election, "b", at: 0, newest: 1)
    _ = judge(&election, "b", at: 20 * 60_000, newest: 1)
    #expect(forget(&election, at: 31 * 60_000) == [])
    #expect(election.clusters["c"]?.seen.keys.sorted() == ["b"])
    #expect(election.clusters["c"]?.leader == "a")
    #expect(forget(&election, at: 50 * 60_000) == ["c"])
  }

  @Test("very many replicas of a cluster are followers that nobody remembers")
  func manyReplicas() {
    var election = election()
    _ = judge(&election, "leader", at: 0, newest: 1)
    for number in 0..<1000 {
      #expect(judge(&election, "\(number)", at: 1, newest: 2) == .refused(leader: "leader"))
    }
    #expect(election.clusters["c"]?.seen.count == HAElection.replicasPerClusterMax)
    // Even one that is not remembered takes over.
    guard case .elected = judge(&election, "999", at: 40_000, newest: 3) else {
      Issue.record("the last of many never leads")
      return
    }
    #expect(judge(&election, "999", at: 40_001, newest: 4) == .accepted)
  }

  /// What the rules say, written down another way: the whole history of bodies is looked at each time.
  private struct Model {
    struct Body {
      var replica: Int
      var now: Int64
      var newest: Int64?
    }
    /// The accepted ones.
    var bodies: [Body] = []

    mutating func judge(_ replica: Int, now: Int64, newest: Int64?, failover: Int64) -> Bool {
      var isAccepted = newest != nil
      if let last = bodies.last {
        let silence = now - last.now
        let bar = bodies.compactMap(\.newest).max() ?? .min
        isAccepted = last.replica == replica || silence >= failover && (newest ?? .min) > bar
      }
      if isAccepted { bodies.append(Body(replica: replica, now: now, newest: newest)) }
      return isAccepted || bodies.isEmpty
    }
  }

  @Test("every short history of bodies of three replicas comes out as the rules say")
  func everyHistory() {
    let failover: Int64 = 2
    // A step: who writes, how much later, and how new its sample is against the time.
    let steps: [(replica: Int, later: Int64, lag: Int64?)] = [0, 1, 2].flatMap { replica in
      [0, 1, 2].flatMap { later in [0, 2, nil].map { (replica, Int64(later), $0) } }
    }
    var count = 0
    func explore(_ depth: Int, _ election: HAElection, _ model: Model, _ now: Int64) {
      if depth == 0 { return }
      for step in steps {
        var (election, model) = (election, model)
        let time = now + step.later
        let newest = step.lag.map { time - $0 }
        let verdict = election.judge(
          cluster: "c", replica: "\(step.replica)", newest: newest, now: time, wall: time)
        let isAccepted = model.judge(step.replica, now: time, newest: newest, failover: failover)
        let isRefused = if case .refused = verdict { true } else { false }
        if isRefused == isAccepted { Issue.record("\(verdict) of \(step) at \(time) after \(model.bodies)") }
        count += 1
        explore(depth - 1, election, model, time)
      }
    }
    explore(3, election(failover: failover), Model(), 10)
    #expect(count == 27 + 27 * 27 + 27 * 27 * 27)
  }

  @Test("in long random histories one replica leads at a time, and what it brings never starts before the bar")
  func randomHistories() {
    let seed = RandomSource(for: "elections").seed
    var random = RandomSource(seed: seed)
    for round in 0..<100 {
      var election = election(failover: Int64(1 + random.below(40)))
      var model = Model()
      var now: Int64 = 0
      for _ in 0..<200 {
        now += Int64(random.below(random.below(10) == 0 ? 60 : 8))
        let replica = random.below(4)
        let newest = random.below(10) == 0 ? nil : now - Int64(random.below(30))
        let before = election.clusters["c"]
        let verdict = judge(&election, "\(replica)", at: now, newest: newest)
        let isAccepted = model.judge(
          replica, now: now, newest: newest, failover: election.settings.failoverMilliseconds)
        let isRefused = if case .refused = verdict { true } else { false }
        if isRefused == isAccepted { Issue.record("seed \(seed) round \(round): \(verdict)") }
        if case .elected(let previous?) = verdict {
          #expect(isAccepted, "seed \(seed) round \(round)")
          #expect(previous.leader == before?.leader && previous.leader != "\(replica)")
          #expect(election.clusters["c"]?.supersededThrough == before?.newestSample)
        }
        if let before, let after = election.clusters["c"], after.newestSample < before.newestSample {
          Issue.record("seed \(seed) round \(round): the bar was lowered")
        }
      }
    }
  }
}
