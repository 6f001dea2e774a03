import Discovery
import Model
import Platform

// The comparison of a job's targets with those that there should be.
extension ScrapePool {
  private struct Found {
    var identity: TargetIdentity
    var discovered: Labels
  }

  /// The first scrapes of new targets are spread over so much for each of them, and over `rampNanosecondsMax` at most.
  private static let rampNanosecondsPerTarget: Int64 = 20_000_000
  private static let rampNanosecondsMax: Int64 = 5_000_000_000
  /// Targets that cannot be made are logged one by one up to so many a sync.
  private static let faultLinesMax = 10

  func synchronize(_ content: inout Content, _ now: ClockReading) {
    content.lastSync = now.monotonicNanoseconds
    let found = find(content)
    tell(twins: twins(found))
    var rest = content.targets
    var active = found.map { rest.removeValue(forKey: $0.identity.key) }
    // Those of which only interval or timeout have changed, and those that come back.
    var lasting: [TargetIdentity.Key: Target] = [:]
    for target in rest.values { lasting[target.setup.identity.lastingKey] = target }
    var moved: [Target] = []
    for place in found.indices where active[place] == nil {
      let key = found[place].identity.lastingKey
      guard let target = lasting.removeValue(forKey: key) ?? revive(key, &content) else { continue }
      rest[target.setup.identity.key] = nil
      active[place] = target
      moved.append(target)
    }
    for target in rest.values { end(target, &content, now) }
    for place in found.indices {
      if let target = active[place] { adopt(target, found[place].identity, found[place].discovered, content, now) }
    }
    for target in moved where !target.isRunning { surroundings.scraper.schedule(target) }
    let newCount = active.count { $0 == nil }
    var new: [Target] = []
    for place in found.indices where active[place] == nil {
      let target = make(found[place], content, now, newCount: newCount)
      active[place] = target
      new.append(target)
    }
    let targets = active.compactMap { $0 }
    content.targets = [:]
    for target in targets { content.targets[target.setup.identity.key] = target }
    refuseOverLimit(targets, content.order.options)
    metrics.targets.set(targets.count)
    state.withLock { $0.active = targets }
    for target in new { surroundings.scraper.schedule(target) }
  }

  /// The targets that the groups make behind relabelling, each once.
  private func find(_ content: Content) -> [Found] {
    let options = content.order.options
    var found: [Found] = []
    var keys: Set<TargetIdentity.Key> = []
    var dropped: [DroppedTarget] = []
    var droppedCount = 0
    var faultCount = 0
    for group in content.groups ?? [] {
      for (number, target) in group.targets.enumerated() {
        switch TargetLabels.make(target, of: group, options, content.relabelling) {
        case .target(let discovered, let labels):
          let identity = TargetIdentity(labels, options)
          if keys.insert(identity.key).inserted { found.append(Found(identity: identity, discovered: discovered)) }
        case .dropped(let discovered):
          droppedCount += 1
          if options.droppedTargetsKeptMax == 0 || dropped.count < options.droppedTargetsKeptMax {
            dropped.append(DroppedTarget(pool: job, discoveredLabels: discovered))
          }
        case .fault(_, let text):
          faultCount += 1
          tell(fault: "instance \(number) in group \(group.source): \(text)", number: faultCount)
        }
      }
    }
    metrics.syncFailed.add(faultCount)
    if faultCount > Self.faultLinesMax {
      surroundings.log.error(
        "Creating further targets failed", ["scrape_pool": job, "count": "\(faultCount - Self.faultLinesMax)"])
    }
    state.withLock { state in
      state.dropped = dropped
      state.droppedCount = droppedCount
    }
    return found
  }

  private func tell(fault: String, number: Int) {
    if number <= Self.faultLinesMax {
      surroundings.log.error("Creating target failed", ["scrape_pool": job, "err": fault])
    }
  }

  // MARK: Twins

  /// Targets whose series have the labels of another target's: each of the two stores over the other.
  private struct Twins {
    var count = 0
    /// The first two.
    var example: (Found, Found)?
  }

  private func twins(_ found: [Found]) -> Twins {
    var twins = Twins()
    var firsts: [Labels: Int] = [:]
    for place in found.indices {
      guard let first = firsts.updateValue(place, forKey: found[place].identity.publicLabels) else { continue }
      twins.count += 1
      if twins.example == nil { twins.example = (found[first], found[place]) }
    }
    return twins
  }

  /// Says it once for each number of them: a busy discovery has a sync every few seconds.
  private func tell(twins: Twins) {
    metrics.twins.set(twins.count)
    let isNews = state.withLock { state in
      defer { state.twinCount = twins.count }
      return state.twinCount != twins.count
    }
    guard isNews, let (one, other) = twins.example else { return }
    surroundings.log.warn(
      "Targets of a job have the same labels, so their series are the same; relabelling should keep a label that tells them apart",
      [
        "scrape_pool": job, "count": "\(twins.count)", "labels": one.identity.publicLabels.description,
        "target": one.identity.url, "other": other.identity.url,
      ])
  }

  // MARK: One target

  /// A target that has ended and is not marked yet.
  private func revive(_ key: TargetIdentity.Key, _ content: inout Content) -> Target? {
    guard let ending = content.endings.removeValue(forKey: key), surroundings.scraper.wheel.remove(ending.place) else {
      return nil
    }
    return ending.target
  }

  private func setup(_ identity: TargetIdentity, _ discovered: Labels, _ content: Content) -> Target.Setup {
    Target.Setup(
      identity: identity, discovered: discovered, job: content.settings, metrics: metrics,
      intervalLength: surroundings.scraper.metrics.intervalLength(DurationText.format(identity.intervalMilliseconds)),
      phaseHash: identity.phaseHash ^ content.order.seed)
  }

  private func make(_ found: Found, _ content: Content, _ now: ClockReading, newCount: Int) -> Target {
    let identity = found.identity
    let setup = setup(identity, found.discovered, content)
    var delay: Int64?
    if content.order.firstScrapeAtOnce {
      let ramp = min(
        Self.rampNanosecondsMax, Self.rampNanosecondsPerTarget * Int64(newCount),
        identity.intervalMilliseconds.nanoseconds)
      delay = Int64((setup.phaseHash >> 32) % UInt64(max(1, ramp)))
    }
    let schedule = ScrapeSchedule(
      intervalMilliseconds: identity.intervalMilliseconds, hash: setup.phaseHash, now: now, firstDelay: delay)
    let series = surroundings.makeSeries(
      identity.options(of: content.order.options), identity.publicLabels, content.metricRelabelling)
    return Target(setup, series, schedule, at: surroundings.scraper.wheel.place())
  }

  /// A target that stays goes on as it should be now; nothing is touched where nothing has changed.
  func adopt(
    _ target: Target, _ identity: TargetIdentity, _ discovered: Labels, _ content: Content, _ now: ClockReading
  ) {
    let before = target.setup
    if before.job === content.settings && before.identity == identity && before.discovered == discovered
      && !target.isEnded
    {
      return
    }
    let options = identity.options(of: content.order.options)
    let former = before.identity.options(of: before.job.options)
    let isLasting = options.hasSameSeries(as: former)
    let series = isLasting ? nil : surroundings.makeSeries(options, identity.publicLabels, content.metricRelabelling)
    let given = target.change(setup(identity, discovered, content), series: series, now)
    if isLasting && options != former { target.reconfigureSeries(options) }
    guard let given else { return }
    // What the new series do not have any more ends.
    mark(given, target, missed: target.next, at: surroundings.scraper.wheel.place())
  }

  private func refuseOverLimit(_ targets: [Target], _ options: ScrapeOptions) {
    var refusal: String?
    if options.targetsMax > 0 && targets.count > options.targetsMax {
      surroundings.scraper.metrics.exceededTargetLimit.add()
      refusal = "target_limit exceeded (number of targets: \(targets.count), limit: \(options.targetsMax))"
    }
    for target in targets { target.refuse(refusal) }
  }
}

extension ScrapeOptions {
  /// True if a target has the same series, with the same limits and labels, under both: then they are kept over a change.
  func hasSameSeries(as other: ScrapeOptions) -> Bool { seriesPart == other.seriesPart }

  /// The options without those that have nothing to do with what becomes of an answer, and those that may change while the
  /// series stay.
  private var seriesPart: ScrapeOptions {
    var part = ScrapeOptions()
    part.honorsLabels = honorsLabels
    part.honorsTimestamps = honorsTimestamps
    part.tracksStalenessOfTimestamps = tracksStalenessOfTimestamps
    part.fallbackProtocol = fallbackProtocol
    part.storesNativeHistograms = storesNativeHistograms
    part.alwaysStoresClassicHistograms = alwaysStoresClassicHistograms
    part.convertsClassicHistograms = convertsClassicHistograms
    part.labelsMax = labelsMax
    part.labelNameBytesMax = labelNameBytesMax
    part.labelValueBytesMax = labelValueBytesMax
    part.nativeHistogramBucketsMax = nativeHistogramBucketsMax
    part.nativeHistogramBucketFactorMin = nativeHistogramBucketFactorMin
    part.nameScheme = nameScheme
    part.storesExtraMetrics = storesExtraMetrics
    part.metricRelabelling = metricRelabelling
    part.keepsValid = keepsValid
    return part
  }
}
