import Model
import Platform
import TSDB

// What has no body to go with: the file of the leaders, what is too old, and what is told.
extension HATracker {
  static func read(_ file: SealedFile, _ damaged: DamagedFiles) -> [LeaderTable.Leader] {
    let reading = file.read { LeaderTable.decode($0.body) == nil ? "it holds no table" : nil }
    if let damage = reading.damage {
      damaged.report(
        file.path, as: "apus.ha-leaders", damage: damage,
        instead: reading.isPrevious ? "the table before it" : "no table",
        meaning: reading.isPrevious
          ? "a cluster may go back to the replica that led before, until that one is silent"
          : "of each cluster the replica that writes first leads")
    }
    return reading.contents.flatMap { LeaderTable.decode($0.body) } ?? []
  }

  func sweep(_ head: Head, now: Int64) -> HATerms {
    let wall = clock.nowMilliseconds()
    let oldestTaken = head.oldestTaken(now: wall)
    let (terms, hadDistrusted) = state.withLock { state -> (HATerms, Bool) in
      let rested = state.election.restIdle(now: now)
      let forgotten = state.election.forgetResting(now: now, wall: wall, oldestTaken: oldestTaken)
      metrics.clustersForgotten.add(forgotten.count)
      if !rested.isEmpty || !forgotten.isEmpty { state.version += 1 }
      for (number, known) in state.known where now - known.used >= HAElection.idleMilliseconds {
        state.known[number] = nil
        state.numbers[known.pair] = nil
      }
      HATracker.expireKept(&state, now: now)
      return (HATerms(options: state.options, generation: state.generation), state.hasDistrusted)
    }
    let distrusted = terms.options.isEnabled ? misnamed(terms.options, head) : []
    if hadDistrusted || !distrusted.isEmpty { head.distrustSpellings(of: distrusted) }
    state.withLock { $0.hasDistrusted = !distrusted.isEmpty }
    tellEvicted(now: now)
    save()
    return terms
  }

  /// Drops the bodies that the ring has kept for long enough, also where no others come any more. Called every second.
  package func expireKept() {
    let now = clock.monotonicMilliseconds
    state.withLock { HATracker.expireKept(&$0, now: now) }
  }

  private static func expireKept(_ state: inout State, now: Int64) {
    state.ring.expire(arrivedBefore: now - state.options.failoverMilliseconds - FollowerRing.scrapeMilliseconds)
  }

  /// Drops all kept bodies; the ring keeps none from now on.
  package func close() {
    state.withLock { state in
      state.options.ringBytes = 0
      state.ring.bytesMax = 0
      state.ring.removeAll()
    }
  }

  /// Series that were stored with labels that would be a replica's today: their names must not be a way past the verdict.
  private func misnamed(_ options: HAOptions, _ head: Head) -> [HeadSelection] {
    do {
      var matchers = [try CompiledMatcher(Matcher(.notEqual, options.replicaLabel, ""))]
      if !options.isLoneReplicaLabelStripped {
        matchers.append(try CompiledMatcher(Matcher(.notEqual, options.clusterLabel, "")))
      }
      return try head.select(matchers)
    } catch {
      log.error("Series with a replica label could not be looked up", ["err": "\(error)"])
      return []
    }
  }

  /// Writes the leaders to their file if they have changed.
  func save() {
    let (leaders, version) = state.withLock { ($0.election.leaders, $0.version) }
    if version == 0 { return }
    writtenVersion.withLock { written in
      if written >= version { return }
      do throws(DiskError) {
        try file.write(LeaderTable.encode(leaders))
        written = version
      } catch {
        metrics.tableFailures.add()
        log.warn("The table of HA leaders could not be written; it is tried again", ["err": "\(error)"])
      }
    }
  }

  /// Tells how many clusters have made room for others, at most once in ten seconds.
  func tellEvicted(now: Int64) {
    let news = state.withLock { state -> (count: Int, limit: Int)? in
      // Other options begin another election, and its count anew.
      if state.election.evicted < state.evictedTold { state.evictedTold = 0 }
      guard state.election.evicted > state.evictedTold, now >= state.nextEvictedLine else { return nil }
      let count = state.election.evicted - state.evictedTold
      state.evictedTold = state.election.evicted
      state.nextEvictedLine = now + HATracker.evictedLineMilliseconds
      return (count, state.election.settings.clusterLimit)
    }
    guard let news else { return }
    log.warn(
      "HA clusters that wrote one body and no other made room for new ones; raise apus.ha.max_clusters if they are real",
      ["clusters": "\(news.count)", "limit": "\(news.limit)"])
  }

  /// Counts a new series that has only one of the two labels, and logs it once for each value.
  func noteIncomplete(missing: IncompleteLabel, value: LentBytes) {
    let text = String(decoding: value.prefix(200), as: UTF8.self)
    let isNews = state.withLock { state -> Bool? in
      // A cluster label alone is ordinary, but where that cluster has replicas.
      if missing == .replica && state.election.clusters[text] == nil { return nil }
      if state.warned.count >= HATracker.warningsMax { return false }
      return state.warned.insert("\(missing.rawValue) \(text)").inserted
    }
    guard let isNews else { return }
    metrics.incomplete(missing).add()
    if !isNews { return }
    switch missing {
    case .cluster:
      log.warn(
        "Series have a replica label and no cluster label: they are stored once for each replica", ["replica": text])
    case .replica:
      log.warn(
        "Series have the label of a cluster with replicas and no replica label: they are stored", ["cluster": text])
    }
  }

  enum IncompleteLabel: String, CaseIterable { case cluster, replica }
}
