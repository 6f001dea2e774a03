import Platform

extension DiscoverySet {
  /// Takes over the discoveries of all jobs. Equal ones run on with their targets; every job is told of again. One that
  /// cannot be made is logged and counted, and the others of its job go on.
  package func apply(_ jobs: [(name: String, discoveries: [DiscoveryOptions])]) {
    changing.withLock { thread in
      if state.withLock({ $0.isStopping }) { return }
      // A server without jobs has no threads for them.
      if thread == nil && !jobs.isEmpty { thread = startThread() }
      var plan = Plan(old: state.withLock { $0.providers }, made: state.withLock { $0.providersMade })
      for job in jobs { add(job.name, job.discoveries, to: &plan) }
      metrics.failedConfigs.set(plan.failedCount)
      let obsolete = takeOver(plan, jobs.map(\.name))
      state.wakeAll()
      for discoverer in obsolete { discoverer.stop() }
      for (id, discoverer) in plan.begun { discoverer.start(sink(of: id)) }
    }
  }

  /// The discoveries as a configuration wants them.
  struct Plan {
    let old: [Int: Provider]
    private(set) var providers: [Int: Provider] = [:]
    /// New ones that run, to be started.
    private(set) var begun: [(id: Int, discoverer: any Discoverer)] = []
    private(set) var jobs: [String: [Int]] = [:]
    private(set) var made: Int
    var failedCount = 0
    /// The ids of old and new ones by something that equal options share.
    private var buckets: [Bucket: [Int]] = [:]

    struct Bucket: Hashable {
      var name: String
      var first: String

      init(_ options: DiscoveryOptions) {
        name = options.name
        first = ""
        if case .fixed(let groups) = options { first = groups.first?.targets.first?.description ?? "" }
      }
    }

    init(old: [Int: Provider], made: Int) {
      self.old = old
      self.made = made
      for (id, provider) in old { buckets[Bucket(provider.options), default: []].append(id) }
    }

    /// The id of the one with these options, old or new.
    func known(_ options: DiscoveryOptions) -> Int? {
      buckets[Bucket(options)]?.first { (providers[$0] ?? old[$0])?.options == options }
    }

    mutating func use(_ id: Int, by job: String) {
      if providers[id] == nil {
        providers[id] = old[id]
        providers[id]?.jobs = []
      }
      if providers[id]?.jobs.contains(job) == false { providers[id]?.jobs.append(job) }
      if jobs[job]?.contains(id) != true { jobs[job, default: []].append(id) }
    }

    mutating func add(_ provider: Provider, for job: String) {
      made += 1
      providers[made] = provider
      if let discoverer = provider.discoverer { begun.append((made, discoverer)) }
      buckets[Bucket(provider.options), default: []].append(made)
      use(made, by: job)
    }
  }

  private func startThread() -> NamedThread? {
    do throws(ThreadError) { return try startTelling() } catch {
      surroundings.log.error(
        "No targets are discovered: there is no thread for it; a reload tries again", ["err": "\(error)"])
      return nil
    }
  }

  private func add(_ job: String, _ discoveries: [DiscoveryOptions], to plan: inout Plan) {
    for options in discoveries {
      if let id = plan.known(options) {
        plan.use(id, by: job)
        continue
      }
      var own = surroundings
      own.log = own.log.adding("discovery", options.name).adding("config", job)
      do throws(DiscoveryError) {
        plan.add(provider(options, try options.makeMechanism(own), own.log, job), for: job)
      } catch {
        plan.failedCount += 1
        surroundings.log.error(
          "Cannot create service discovery", ["err": "\(error)", "type": options.name, "config": job])
      }
    }
  }

  private func provider(
    _ options: DiscoveryOptions, _ mechanism: DiscoveryMechanism, _ log: Log, _ job: String
  ) -> Provider {
    switch mechanism {
    case .discoverer(let discoverer): return Provider(options: options, discoverer: discoverer, jobs: [])
    case .refreshable(let refreshable):
      let task = RefreshTask(refreshable, refreshing, refreshMetrics, log, config: job)
      return Provider(options: options, discoverer: task, jobs: [])
    case .fixed(let groups):
      var provider = Provider(options: options, discoverer: nil, jobs: [])
      _ = provider.found.take(.all(groups))
      provider.hasAnswered = true
      metrics.received.add()
      return provider
    }
  }

  /// Puts the plan in force; gives the discoveries that nobody wants any more.
  private func takeOver(_ plan: Plan, _ names: [String]) -> [any Discoverer] {
    let obsolete = state.withLock { state in
      var providers = plan.providers
      // What came in since the plan was begun stays.
      for (id, now) in state.providers where providers[id] != nil {
        providers[id]?.found = now.found
        providers[id]?.hasAnswered = now.hasAnswered
      }
      let gone = state.providers.filter { providers[$0.key] == nil }.values.compactMap(\.discoverer)
      state.providers = providers
      state.providersMade = plan.made
      let old = state.jobs
      state.jobs = [:]
      state.changed = []
      state.waiting = []
      for name in names {
        var job = Job(name: name, providers: plan.jobs[name] ?? [])
        job.toldMilliseconds = old[name]?.toldMilliseconds
        job.targetCount = job.providers.reduce(0) { $0 + (providers[$1]?.found.targetCount ?? 0) }
        state.jobs[name] = job
        let isComplete = job.providers.allSatisfy { providers[$0]?.hasAnswered == true }
        if isComplete { state.changed.insert(name) } else { state.waiting.insert(name) }
      }
      state.isTriggered = !names.isEmpty
      state.pace.hasten()
      return gone
    }
    var series: Set<RefreshMetrics.Key> = []
    for provider in plan.providers.values {
      guard let task = provider.discoverer as? RefreshTask else { continue }
      series.insert(task.countFor(provider.jobs))
    }
    refreshMetrics.keepOnly(series)
    return obsolete
  }
}
