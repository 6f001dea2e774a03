import Model
import Platform

// What happens when another replica of a cluster is elected: what was kept of it goes the way of every body, but that only
// its own rows are of interest, each from its series' last stored sample on.
extension Intake {
  /// Stores the kept bodies of a new leader. False where that failed: the body, and this with it, is to come again.
  func takeOver(_ entry: BodyPairs.Entry, from previous: HAElection.Previous?) -> Bool {
    let bodies = replicas.keptBodies(of: entry.pair)
    let reader = BodyReader()
    var oldest = Int64.max
    var samples = 0
    var isComplete = true
    for body in bodies where isComplete {
      let replayed = body.bytes.lend { replay($0, body.form, of: entry.pair, reader) }
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
    _ body: LentBytes, _ form: BodyForm, of pair: HAPair, _ reader: BodyReader
  ) -> (isComplete: Bool, samples: Int, oldest: Int64) {
    withDelivery { delivery in
      // What was pushed is larger as remote write than it came.
      let bytesMax = max(decodedBytesMax, body.count)
      let unread = reader.read(body, form, decodedBytesMax: bytesMax, key: key)
      let outcome =
        unread ?? store(&reader.rows, in: reader.bytes(of: body, form), .kept(pair, form.message), as: delivery)
      tell(outcome, delivery) { .own("the kept bodies of replica \(pair.replica) of cluster \(pair.cluster)") }
      if case .unavailable = outcome { return (false, 0, .max) }
      if unread != nil { return (true, 0, .max) }
      let tally = delivery.batch.tally
      return (true, tally.accepted + tally.late, tally.oldest)
    }
  }
}
