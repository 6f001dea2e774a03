import API
import HTTP
import Ingest
import Platform
import Synchronization
import TSDB
import Workspaces

/// The server's life: listen, bring the data back, serve, and on a signal drain, flush and end. Used by the main thread.
final class Lifecycle {
  /// The time that queries may take to notice that they were told to stop.
  private static let queriesMilliseconds: Int64 = 1_000

  /// The time that rounds of rules may take to end.
  private static let rulesMilliseconds: Int64 = 5_000

  private let assembly: Assembly
  private let selfScrape = SelfScrapeHolder()
  private var restoring: NamedThread?

  init(_ assembly: Assembly) { self.assembly = assembly }

  /// Listens at once, so that health checks and `walreplay` have an answer; data follows when it is back.
  func start() throws(StartError) {
    for server in assembly.servers {
      do throws(HTTPServerError) {
        try server.start()
      } catch {
        throw StartError("\(error)")
      }
      assembly.log.info("Listening", ["port": "\(server.port)"])
    }
    let port = assembly.servers.first?.port ?? 9090
    do throws(ThreadError) {
      restoring = try NamedThread(name: "restore") { [assembly, selfScrape] in
        Lifecycle.restore(assembly, selfScrape, port: port)
      }
    } catch {
      throw StartError("\(error)")
    }
  }

  private static func restore(_ assembly: Assembly, _ selfScrape: SelfScrapeHolder, port: Int) {
    do {
      let workspaces = assembly.workspaces
      try workspaces.standard.database.restore()
      // Whoever is told that the server is ready finds its metrics there.
      if assembly.areOwnMetricsStored { try selfScrape.start(assembly, port: port) }
      try workspaces.standard.database.start(on: assembly.work)
      assembly.configuration.takeOverPresent()
      // An alert of a round before that would be told to nobody, and count as told.
      workspaces.standard.rules.start()
      // Once more, as there was nothing yet to count in the first round.
      selfScrape.scrapeNow()
      assembly.log.info("Server is ready to receive requests")
    } catch {
      assembly.log.error("The data could not be read", ["err": "\(error)"])
      ProcessSignals.send(.terminate)
    }
  }

  /// Handles signals until one says stop; then ends everything in order.
  func runUntilTold() {
    while true {
      switch ProcessSignals.next() {
      case .reload:
        // Those that wait already read what the file says now.
        _ = assembly.reloads.submit { [configuration = assembly.configuration] in _ = configuration.reload() }
      case .terminate, .interrupt:
        stop()
        return
      }
    }
  }

  private func stop() {
    let deadline = Deadline(milliseconds: assembly.shutdownGraceMilliseconds, of: assembly.clock)
    assembly.log.info("Stopping: letting requests finish")
    assembly.stopping.set()
    assembly.workspaces.endChanges()
    // One grace for all: clients of one address must not stretch it for the next.
    for server in assembly.servers { server.stopAccepting() }
    selfScrape.stop()
    assembly.scrapes.stop()
    // No rule makes an alert any more when those that wait are sent: while the rest ends, so that an Alertmanager that
    // does not answer keeps no data from the disk.
    assembly.workspaces.stopRules(within: Lifecycle.rulesMilliseconds)
    assembly.ruleWork.stop(within: Lifecycle.queriesMilliseconds)
    assembly.notifier.leave()
    for server in assembly.servers { server.drain(until: deadline) }
    // They have been told to stop, and only read: one that does not hear it ends with the process.
    if !assembly.queries.stop(within: Lifecycle.queriesMilliseconds)
      || !assembly.remoteReadLane.stop(within: Lifecycle.queriesMilliseconds)
    {
      assembly.log.warn("A query did not stop when it was told to; the database is closed without waiting for it")
    }
    _ = assembly.reloads.stop(within: 0)
    assembly.access.stop()
    assembly.definitions.stop()
    assembly.passage.stop()
    assembly.heapTrim.stop()
    // A start that is still reading the log has nothing of its own to keep; the log has it all.
    guard assembly.workspaces.standard.database.isReady else {
      assembly.notifier.stop()
      return assembly.log.info("Stopped before the data was back")
    }
    assembly.workspaces.close()
    restoring?.join()
    assembly.notifier.stop()
    assembly.work.stop()
    assembly.lock?.release()
    assembly.log.info("Stopped")
  }
}

/// The self-scrape, which begins on the restoring thread and is stopped on the main one.
final class SelfScrapeHolder: Sendable {
  private let selfScrape = Mutex<(SelfScrape?, isStopped: Bool)>((nil, false))

  func start(_ assembly: Assembly, port: Int) throws(ThreadError) {
    if selfScrape.withLock({ $0.isStopped }) { return }
    let instance = "localhost:\(port)"
    let started = try SelfScrape(
      intake: assembly.workspaces.standard.receiver.intake, registry: assembly.registry, instance: instance,
      clock: assembly.clock, log: assembly.log,
      isCovered: { [coverage = assembly.ownCoverage] in coverage.isCovered }
    ) { [ownTarget = assembly.ownTarget] milliseconds, seconds, error in
      ownTarget.note(
        OwnTarget.Facts(
          instance: instance, intervalMilliseconds: SelfScrape.intervalMilliseconds, lastMilliseconds: milliseconds,
          lastSeconds: seconds, lastError: error ?? ""))
    }
    let isLate = selfScrape.withLock { holder in
      holder.0 = started
      return holder.isStopped
    }
    if isLate { started.stop() }
  }

  func scrapeNow() { selfScrape.withLock { $0.0 }?.scrapeNow() }

  func stop() {
    let running = selfScrape.withLock { holder in
      holder.isStopped = true
      return holder.0
    }
    running?.stop()
  }
}
