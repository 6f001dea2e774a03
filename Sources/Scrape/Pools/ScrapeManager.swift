import Discovery
import Ingest
import Model
import Platform
import Synchronization

/// Scrapes the targets of all jobs into one workspace. Any thread.
package final class ScrapeManager: Sendable {
  private struct State: Sendable {
    var pools: [String: ScrapePool] = [:]
    var failureLogs: [String: ScrapeFailureLog] = [:]
    var isStopped = false
  }

  private let parts: Parts
  private let state = Mutex(State())
  /// One change of the configuration at a time.
  private let change = Monitor(())
  private let discovery = Mutex<DiscoverySet?>(nil)

  /// The parts of a manager that tests replace.
  struct Parts: Sendable {
    var scraper: Scraper
    var metrics: ScrapeMetrics
    var clock: any Clock
    var log: Log
    var disk: any Disk
    var host: String
    var userAgent: String
    var makeSeries: ScrapePool.MakeSeries
    /// Ends the threads, given as long.
    var stopThreads: @Sendable (_ milliseconds: Int64) -> Void
  }

  init(_ parts: Parts, registry: MetricsRegistry) {
    self.parts = parts
    registry.collectFamilies { [weak self] in self?.metadataFamilies() ?? [] }
  }

  /// Starts the threads; there are no targets before `reconfigure`. `host`: makes the phases of targets differ from those
  /// of another server.
  package convenience init(
    _ surroundings: DiscoverySurroundings, into intake: Intake, options: ScrapeServerOptions = ScrapeServerOptions(),
    disk: any Disk = LinuxDisk(), host: String = HostFacts.hostName
  ) throws(ThreadError) {
    let clock = surroundings.clock
    let metrics = ScrapeMetrics(surroundings.registry, clock: clock)
    let wheel = TimeWheel(clock, name: "scrape-wheel")
    let workers = try WorkerPool(
      name: "scrape", threadCount: Processors.count, queueLimit: Scraper.underWayMax + Self.otherWorksMax)
    let preparers = try WorkerPool(
      name: "scrape-prep", threadCount: Self.preparersCount, queueLimit: Scraper.underWayMax)
    let scraper = Scraper(
      wheel, try LoopExchange(), metrics, log: surroundings.log, options: options, submit: { workers.submit($0) },
      prepare: { preparers.submit($0) })
    let samples = ScrapeSampleMetrics(surroundings.registry)
    self.init(
      Parts(
        scraper: scraper, metrics: metrics, clock: clock, log: surroundings.log, disk: disk, host: host,
        userAgent: surroundings.userAgent,
        makeSeries: { options, labels, rules in
          SeriesRoom(
            TargetSeries(
              options, labels: labels, metricRelabelling: rules, intake: intake, metrics: samples, clock: clock))
        },
        stopThreads: { milliseconds in
          _ = preparers.stop(within: 0)
          _ = workers.stop(within: milliseconds)
        }),
      registry: surroundings.registry)
    try wheel.start()
    discover(with: DiscoverySet(name: "scrape", surroundings) { [weak self] in self?.take($0) })
  }

  /// Threads that read credentials and ask for tokens, one job on each at a time.
  private static let preparersCount = 4
  /// The time that workers have for what they are at, when the scrapes have used up theirs.
  private static let threadMillisecondsMin: Int64 = 500
  /// Syncs and ends of targets that may wait for a worker; more wait on the wheel.
  private static let otherWorksMax = 4_096

  // MARK: Changes

  /// Takes over the jobs of a configuration: what has not changed runs on.
  package func reconfigure(
    _ jobs: [ScrapeOptions], externalLabels: Labels, server: ScrapeServerOptions = ScrapeServerOptions()
  ) {
    change.withLock { _ in
      if state.withLock({ $0.isStopped }) { return }
      parts.scraper.reconfigure(server)
      let logs = openFailureLogs(jobs)
      let seed = StableHash.seed(host: parts.host, externalLabels: externalLabels)
      let before = state.withLock { $0.pools }
      var pools: [String: ScrapePool] = [:]
      for job in jobs {
        let order = ScrapePool.Order(
          options: job, failureLog: logs[job.failureLogFile], seed: seed,
          firstScrapeAtOnce: server.firstScrapeAtOnce)
        pools[job.jobName] = pool(order, before[job.jobName])
      }
      state.withLock { state in
        state.pools = pools
        state.failureLogs = logs
      }
      for (name, pool) in before where pools[name] == nil { pool.remove() }
      discovery.withLock { $0 }?.apply(jobs.map { (name: $0.jobName, discoveries: $0.discoveries) })
    }
  }

  /// The job's pool under these orders; nil where there can be none, which is told.
  private func pool(_ order: ScrapePool.Order, _ present: ScrapePool?) -> ScrapePool? {
    let name = order.options.jobName
    do throws(RegexError) {
      if let present {
        if present.shown.options != order.options { parts.metrics.reloads.add() }
        try present.reconfigure(order)
        return present
      }
      parts.metrics.pools.add()
      return try ScrapePool(
        order,
        ScrapePool.Surroundings(
          scraper: parts.scraper, log: parts.log, userAgent: parts.userAgent, makeSeries: parts.makeSeries))
    } catch {
      (present == nil ? parts.metrics.poolsFailed : parts.metrics.reloadsFailed).add()
      parts.log.error("A scrape job cannot be set up; it stays as it was", ["scrape_pool": name, "err": "\(error)"])
      return present
    }
  }

  /// The logs of failed scrapes, opened anew, so that a file that was moved away is made again.
  private func openFailureLogs(_ jobs: [ScrapeOptions]) -> [String: ScrapeFailureLog] {
    var logs: [String: ScrapeFailureLog] = [:]
    for path in Set(jobs.map(\.failureLogFile)).sorted() where !path.isEmpty {
      do throws(DiskError) {
        logs[path] = try ScrapeFailureLog(path, on: parts.disk, clock: parts.clock, log: parts.log)
      } catch {
        parts.log.error("The log of failed scrapes cannot be opened; nothing is written to it", ["err": "\(error)"])
      }
    }
    return logs
  }

  /// Takes over what discoveries found; jobs that are not named have not changed.
  func take(_ groups: [String: [TargetGroup]]) {
    let pools = state.withLock { $0.pools }
    for (job, groups) in groups { pools[job]?.take(groups) }
  }

  func discover(with set: DiscoverySet) { discovery.withLock { $0 = set } }

  /// Waits for the scrapes that run, no longer than their timeouts and `ScrapeServerOptions.stopMillisecondsMax`.
  package func stop() {
    let isFirst = state.withLock { state in
      defer { state.isStopped = true }
      return !state.isStopped
    }
    guard isFirst else { return }
    discovery.withLock { $0 }?.stop()
    change.withLock { _ in }
    let deadline = Deadline(milliseconds: parts.scraper.stopMillisecondsMax, of: parts.clock)
    parts.scraper.stop(until: deadline)
    parts.stopThreads(max(Self.threadMillisecondsMin, deadline.remainingNanoseconds / 1_000_000))
  }

  // MARK: For the API

  /// The names of the jobs, sorted.
  package var pools: [String] { state.withLock { $0.pools.keys.sorted() } }

  package func options(of pool: String) -> ScrapeOptions? { state.withLock { $0.pools[pool] }?.shown.options }

  /// The targets of a pool, or of all.
  package func activeTargets(of pool: String? = nil) -> [TargetState] {
    shown(pool).flatMap { $0.active.map(\.shown) }
  }

  /// The dropped targets that are kept for show.
  package func droppedTargets(of pool: String? = nil) -> [DroppedTarget] { shown(pool).flatMap(\.dropped) }

  /// By pool, how many targets were dropped.
  package func droppedCounts() -> [String: Int] { state.withLock { $0.pools }.mapValues { $0.shown.droppedCount } }

  /// Type, help and unit of metrics, as the active targets say.
  package func metadata() -> [(target: TargetState, metadata: [TargetMetadata])] {
    shown(nil).flatMap { $0.active.map { ($0.shown, $0.metadata) } }
  }

  /// Of a pool, or of all in the order of their names.
  private func shown(_ pool: String?) -> [ScrapePool.Shown] {
    let pools = state.withLock { $0.pools }
    return pools.filter { pool == nil || $0.key == pool }.sorted { $0.key < $1.key }.map(\.value.shown)
  }

  /// The sizes of what targets say of their metrics, by job.
  private func metadataFamilies() -> [MetricFamily] {
    let pools = state.withLock { $0.pools }.sorted { $0.key < $1.key }
    let sizes = pools.map { name, pool in
      pool.shown.active.map(\.metadataSize).reduce((name, 0, 0)) { ($0.0, $0.1 + $1.entries, $0.2 + $1.bytes) }
    }
    func family(_ name: String, _ help: String, _ value: ((String, Int, Int)) -> Int) -> MetricFamily {
      MetricFamily(
        name: name, help: help, kind: .gauge,
        samples: sizes.map {
          MetricSample(name: name, labels: [("scrape_job", $0.0)], value: Double(value($0)))
        })
    }
    return [
      family(
        "prometheus_target_metadata_cache_entries", "Total number of metric metadata entries in the cache"
      ) { $0.1 },
      family(
        "prometheus_target_metadata_cache_bytes",
        "The number of bytes that are currently used for storing metric metadata in the cache"
      ) { $0.2 },
    ]
  }
}
