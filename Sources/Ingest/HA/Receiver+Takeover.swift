import Platform

// What happens when another replica of a cluster is elected: what was kept of it goes the way of every body, but that only
// its own rows are of interest, each from its series' last stored sample on.
extension Receiver {
  /// Stores what was kept of a new leader. False where that failed: the body is to come again, and this with it.
  func takeOver(_ entry: BodyPairs.Entry, from previous: HAElection.Previous?) -> Bool {
    let bodies = replicas.keptBodies(of: entry.pair)
    var oldest = Int64.max
    var samples = 0
    var isComplete = true
    for body in bodies where isComplete {
      let replayed = body.bytes.withUnsafeBytes { replay($0, body.form, of: entry.pair) }
      isComplete = replayed.isComplete
      samples += replayed.samples
      oldest = min(oldest, replayed.oldest)
      replicas.metrics.replayedBodies.add()
    }
    replicas.metrics.replayedSamples.add(samples)
    guard let previous else { return isComplete }
    let first = min(oldest, entry.oldest ?? .max)
    let gap = first == .max || previous.newestSample == .min ? 0 : max(0, first - previous.newestSample)
    replicas.metrics.gapSeconds.observe(Double(gap) / 1000)
    log.info(
      "Another replica leads its cluster",
      [
        "cluster": entry.pair.cluster, "replica": entry.pair.replica, "before": previous.leader,
        "silence": "\(previous.silentMilliseconds)ms", "gap": "\(gap)ms", "replayed_bodies": "\(bodies.count)",
        "replayed_samples": "\(samples)",
      ])
    return isComplete
  }

  private func replay(
    _ body: UnsafeRawBufferPointer, _ form: BodyForm, of pair: HAPair
  ) -> (isComplete: Bool, samples: Int, oldest: Int64) {
    withScratch { scratch, limits in
      let outcome = receive(body, form, scratch, limits, isAdmitted: true, replaying: pair)
      tell(outcome, scratch) { .own("the kept bodies of replica \(pair.replica) of cluster \(pair.cluster)") }
      let tally = scratch.batch.tally
      switch outcome {
      case .unavailable: return (false, 0, .max)
      default: return (true, tally.accepted + tally.late, tally.oldest)
      }
    }
  }
}
