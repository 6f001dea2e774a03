import TestKit
import Testing

@testable import Ingest

@Suite struct HAElectionTests {
  private static let wall: Int64 = 1_700_000_000_000

  private func election(failover: Int64 = 30_000, clusters: Int = 0) -> HAElection {
    HAElection(HAElection.Settings(failoverMilliseconds: failover, clustersMax: clusters))
  }

  private func rest(_ election: inout HAElection, at now: Int64) -> [String] { election.restIdle(now: now) }

  /// A body at `now` with a sample of that time, unless another is given.
  private func judge(
    _ election: inout HAElection, _ replica: String, at now: Int64, newest: Int64?, cluster: String = "c"
  ) -> HAElection.Verdict {
    election.beginBody()
    return election.judge(cluster: cluster, replica: replica, newest: newest, now: now, wall: Self.wall + now)
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
    #expect(judge(&election, "a", at: 0, newest: 1, cluster: "one") == .accepted)
    #expect(judge(&election, "a", at: 60_000, newest: 1, cluster: "two") == .elected(previous: nil))
    #expect(judge(&election, "a", at: 60_000, newest: 1, cluster: "three") == .tooManyClusters(limit: 2))
    #expect(judge(&election, "a", at: 60_000, newest: nil, cluster: "three") == .accepted)
    #expect(rest(&election, at: 30 * 60_000 - 1) == [])
    #expect(rest(&election, at: 30 * 60_000) == ["one"])
    #expect(judge(&election, "b", at: 30 * 60_000, newest: 1, cluster: "three") == .elected(previous: nil))
    #expect(election.clusters.keys.sorted() == ["three", "two"])
    #expect(HAElection.Settings(failoverMilliseconds: 1, clustersMax: 0).clusterLimit == HAElection.clustersMax)
  }

  /// One body of many clusters, as somebody may invent them.
  private func flood(_ election: inout HAElection, _ names: Range<Int>, at now: Int64) -> Int {
    election.beginBody()
    return names.filter { number in
      election.judge(cluster: "invented\(number)", replica: "r", newest: now, now: now, wall: Self.wall + now)
        == .elected(previous: nil)
    }.count
  }

  @Test("one body of invented clusters keeps nobody out, and pushes nobody out who has written twice")
  func invented() {
    var election = election(clusters: 50)
    for step in 0..<2 {
      for number in 0..<10 { _ = judge(&election, "a", at: Int64(step), newest: 1, cluster: "real\(number)") }
    }
    #expect(flood(&election, 0..<500, at: 1000) == 40)
    #expect(election.clusters.count == 50)
    // Who comes now is taken in, each in place of an invented one, and stays.
    for number in 10..<50 {
      let cluster = "real\(number)"
      #expect(judge(&election, "a", at: 2000, newest: 2000, cluster: cluster) == .elected(previous: nil))
      #expect(judge(&election, "b", at: 2001, newest: 2001, cluster: cluster) == .refused(leader: "a"))
    }
    #expect(election.clusters.keys.allSatisfy { $0.hasPrefix("real") } && election.evicted == 40)
    #expect(flood(&election, 500..<1000, at: 3000) == 0)
    #expect(judge(&election, "a", at: 3000, newest: 1, cluster: "another") == .tooManyClusters(limit: 50))
    for number in 0..<50 { #expect(election.clusters["real\(number)"]?.leader == "a") }
  }

  @Test("floods make room for each other; a cluster that came alone goes only when it has fallen silent")
  func floods() {
    var election = election(failover: 30_000, clusters: 20)
    _ = judge(&election, "a", at: 0, newest: 1, cluster: "alone")
    for round in 0..<20 {
      let now = Int64(round) * 1000
      #expect(flood(&election, round * 100..<(round * 100 + 100), at: now) == 19)
      #expect(election.clusters["alone"] != nil && election.clusters.count == 20)
    }
    // It writes again, and nothing takes its place any more.
    #expect(judge(&election, "a", at: 20_000, newest: 1, cluster: "alone") == .accepted)
    #expect(flood(&election, 5000..<5100, at: 100_000) == 19)
    #expect(election.clusters["alone"] != nil)
    // What is full of clusters that came one by one refuses another, until one of them has been silent for long enough.
    var singles = self.election(failover: 30_000, clusters: 3)
    for number in 0..<3 { _ = judge(&singles, "a", at: Int64(number) * 1000, newest: 1, cluster: "s\(number)") }
    #expect(judge(&singles, "a", at: 29_999, newest: 1, cluster: "new") == .tooManyClusters(limit: 3))
    #expect(judge(&singles, "a", at: 30_000, newest: 1, cluster: "new") == .elected(previous: nil))
    #expect(singles.clusters.keys.sorted() == ["new", "s1", "s2"])
  }

  @Test("a restart keeps in mind who wrote once")
  func restoredSingles() throws {
    var election = election(clusters: 3)
    for cluster in ["real", "real", "one", "two"] { _ = judge(&election, "a", at: 0, newest: 1, cluster: cluster) }
    let table = try #require(LeaderTable.decode(LeaderTable.encode(election.leaders)))
    #expect(table.map(\.hasWrittenOnce) == [true, false, true])
    var next = self.election(clusters: 3)
    for leader in table { next.restore(leader, newestSample: 1, now: 0) }
    #expect(judge(&next, "a", at: 1, newest: 2, cluster: "new") == .elected(previous: nil))
    #expect(next.clusters.keys.sorted() == ["new", "real", "two"])
  }

  @Test("a follower that is heard keeps its cluster; replicas that are not heard are forgotten one by one")
  func idleReplicas() {
    var election = election()
    _ = judge(&election, "a", at: 0, newest: 5_000_000)
    _ = judge(&election, "b", at: 0, newest: 1)
    _ = judge(&election, "b", at: 20 * 60_000, newest: 1)
    #expect(rest(&election, at: 31 * 60_000) == [])
    #expect(election.clusters["c"]?.seen.keys.sorted() == ["b"])
    #expect(election.clusters["c"]?.leader == "a")
    #expect(rest(&election, at: 50 * 60_000) == ["c"])
  }

  @Test("a cluster that rests has the leader it had, and another replica leads it only with newer samples")
  func resting() {
    var election = election(clusters: 1)
    _ = judge(&election, "b", at: 0, newest: 500)
    _ = judge(&election, "a", at: 40_000, newest: 1000)
    let later: Int64 = 20 * 3_600_000
    #expect(rest(&election, at: later) == ["c"])
    #expect(election.clusters.isEmpty && election.resting["c"]?.leader == "a")
    // What holds no sample changes nothing.
    #expect(judge(&election, "b", at: later, newest: nil) == .refused(leader: "a"))
    #expect(judge(&election, "a", at: later, newest: nil) == .accepted)
    #expect(election.clusters.isEmpty)
    // A backlog does not go between what the leader brought, what is newer does.
    var other = election
    #expect(judge(&other, "b", at: later, newest: 999) == .refused(leader: "a"))
    let previous = HAElection.Previous(leader: "a", newestSample: 1000, silentMilliseconds: later - 39_999)
    #expect(judge(&other, "b", at: later + 1, newest: 2000) == .elected(previous: previous))
    #expect(other.clusters["c"]?.supersededThrough == 1000 && other.clusters["c"]?.changes == 2)
    // The leader goes on, and what the one before it brought stays in mind.
    #expect(judge(&election, "a", at: later, newest: 900) == .accepted)
    #expect(election.clusters["c"]?.supersededThrough == 500 && election.resting.isEmpty && election.woken == 1)
    // Where its place is taken it gets none before another is free.
    #expect(rest(&election, at: 2 * later) == ["c"])
    for now in [2 * later, 2 * later + 1] { _ = judge(&election, "a", at: now, newest: 1, cluster: "d") }
    #expect(judge(&election, "a", at: 2 * later, newest: 3000) == .tooManyClusters(limit: 1))
    #expect(election.resting["c"]?.newestSample == 1000)
  }

  @Test("a resting cluster is forgotten when samples as old as its own are taken no more, whatever the clock says")
  func forgotten() {
    var election = election()
    _ = judge(&election, "a", at: 0, newest: Self.wall)
    let (later, window): (Int64, Int64) = (3_600_000, 7_200_000)
    #expect(rest(&election, at: later) == ["c"])
    func forget(at now: Int64, step: Int64 = 0) -> [String] {
      let wall = Self.wall + now + step
      return election.forgetResting(now: now, wall: wall, oldestTaken: wall - window)
    }
    #expect(forget(at: later) == [])
    #expect(forget(at: later, step: 86_400_000) == [])
    #expect(forget(at: window) == [])
    #expect(forget(at: window + 1, step: -86_400_000) == [])
    #expect(forget(at: window + 1) == ["c"] && election.resting.isEmpty)
  }

  @Test("no more clusters rest than may have a place; those that wrote once go first, then the longest silent")
  func restingBound() throws {
    var election = election(clusters: 4)
    let idle = HAElection.idleMilliseconds
    for round in 0..<3 as Range<Int64> {
      let now = round * 2 * idle
      for name in ["x\(round)", "x\(round)", "y\(round)", "y\(round)", "once\(round)"] {
        _ = judge(&election, "a", at: now, newest: now, cluster: name)
      }
      _ = rest(&election, at: now + idle)
      _ = election.forgetResting(now: now + idle, wall: Self.wall, oldestTaken: .min / 2)
      #expect(election.resting.count <= 4)
    }
    #expect(election.resting.keys.sorted() == ["x1", "x2", "y1", "y2"])
    // Invented names that make room for each other push none of them out.
    for round in 0..<10 { _ = flood(&election, round * 100..<(round * 100 + 100), at: 10 * idle + Int64(round)) }
    #expect(election.resting.keys.sorted() == ["x1", "x2", "y1", "y2"] && election.evicted == 36)
    // A restart keeps them.
    let table = try #require(LeaderTable.decode(LeaderTable.encode(election.leaders)))
    var next = self.election(clusters: 4)
    for leader in table { next.restore(leader, newestSample: 7, now: 0) }
    #expect(next.resting.mapValues(\.newestSample) == election.resting.mapValues(\.newestSample))
    #expect(next.resting.mapValues(\.leader) == election.resting.mapValues(\.leader) && next.clusters.count == 4)
    _ = next.forgetResting(now: 0, wall: Self.wall, oldestTaken: .min / 2)
    #expect(next.resting.count == 4)
    let newest = try #require(next.resting["x2"]?.newestSample)
    #expect(judge(&next, "b", at: 1, newest: newest, cluster: "x2") == .refused(leader: "a"))
  }

  @Test(
    "a leader of an earlier run may have brought what is newest of all, but nothing of a time that is still to come")
  func restoredNewest() {
    let leader = LeaderTable.Leader(
      cluster: "c", replica: "a", electedAtMilliseconds: 0, supersededThrough: .min, changes: 0)
    // All that is stored ends 400 s from now, by a clock that was wrong or this one that is.
    var election = election()
    election.restore(leader, newestSample: Self.wall + 400_000, now: 0)
    #expect(judge(&election, "b", at: 40_000, newest: nil) == .refused(leader: "a"))
    #expect(election.clusters["c"]?.newestSample == Self.wall + 400_000)
    #expect(judge(&election, "b", at: 50_000, newest: Self.wall + 49_000) == .refused(leader: "a"))
    #expect(election.clusters["c"]?.newestSample == Self.wall + 50_000)
    let previous = HAElection.Previous(leader: "a", newestSample: Self.wall + 50_000, silentMilliseconds: 60_000)
    #expect(judge(&election, "b", at: 60_000, newest: Self.wall + 59_000) == .elected(previous: previous))
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

  @Test("a clock that steps back for a while does not make what the leader brought older than it was")
  func clockBehind() {
    var election = HAElection(HAElection.Settings())
    let wall: Int64 = 100_000_000
    _ = election.judge(cluster: "c", replica: "a", newest: wall, now: 0, wall: wall)
    // Thirteen hours behind, all of a body lies in the future.
    #expect(election.judge(cluster: "c", replica: "a", newest: nil, now: 15_000, wall: wall - 46_800_000) == .accepted)
    let later = wall + 60_000
    // What the other one had kept since before is not newer.
    let backlog = election.judge(cluster: "c", replica: "b", newest: wall - 1_000, now: 60_000, wall: later)
    #expect(backlog == .refused(leader: "a"))
    let verdict = election.judge(cluster: "c", replica: "b", newest: later, now: 61_000, wall: later)
    let previous = HAElection.Previous(leader: "a", newestSample: wall, silentMilliseconds: 46_000)
    #expect(verdict == .elected(previous: previous))
  }
}
