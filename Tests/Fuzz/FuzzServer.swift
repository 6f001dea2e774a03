import Ingest
import Model
import Platform
import PlatformSimulation
import Workspaces
@testable import TSDB

/// A database with its receiver on a disk in memory. One thread's.
final class FuzzServer {
  static let root = "/data"
  let disk: SimulatedDisk
  let clock = SimulatedClock(nowMilliseconds: WriteSeeds.time + 120_000)
  let log = Log.silent
  let workspaces: WorkspaceSet
  let database: Database
  let receiver: Receiver

  convenience init() {
    guard let server = FuzzServer(on: SimulatedDisk()) else { preconditionFailure("an empty directory does not open") }
    self.init(server)
  }

  private init(_ other: FuzzServer) {
    disk = other.disk
    workspaces = other.workspaces
    database = other.database
    receiver = other.receiver
  }

  /// Nil where the directory is refused.
  init?(on disk: SimulatedDisk) {
    self.disk = disk
    let registry = MetricsRegistry()
    var options = DatabaseOptions(directory: FuzzServer.root)
    options.random = RandomNumbers(seed: 1)
    options.head.limits.activeSeriesMax = 2_000
    options.head.exemplarsMax = 100
    var settings = WorkspaceSettings(directory: FuzzServer.root)
    settings.database = options
    settings.ingest = IngestLimits()
    do {
      workspaces = try WorkspaceSet(
        settings, in: Workspace.Surroundings(disk: disk, clock: clock, log: log, registry: registry), work: nil)
      try workspaces.standard.database.restore()
    } catch {
      return nil
    }
    (database, receiver) = (workspaces.standard.database, workspaces.standard.receiver)
  }

  var seriesCount: Int { database.head.seriesCount }
  /// Chunks could not be read and were nowhere else; the server has said so.
  var hasLostChunks: Bool { database.head.files.chunksLost.value > 0 }

  /// Some rounds of the upkeep, hours apart: chunks go to their files, the log becomes shorter, blocks are written.
  func work() {
    var rounds = DatabaseRounds(database)
    for _ in 0..<2 {
      clock.advance(milliseconds: 3 * 3_600_000)
      rounds.maintain()
      rounds.compact()
    }
  }

  /// Ends the database cleanly; the number of its series.
  func end() -> Int {
    let count = seriesCount
    try? database.start()
    database.close()
    return count
  }

  func receive(_ body: [UInt8], at offset: Int64 = 0) {
    _ = body.lend { receiver.receive($0, encoding: .identity) }
  }

  /// Reads every sample of every series.
  func readAll() {
    guard let all = try? CompiledMatcher(Matcher(.regex, "__name__", ".*")),
      let selection = try? database.select([all], from: .min + 1, through: .max - 1)
    else { return }
    var scratch = DatabaseReadScratch()
    var samples = SeriesSamples()
    for place in 0..<selection.count {
      selection.read(place, from: .min + 1, through: .max - 1, &scratch, into: &samples)
      for next in 1..<max(1, samples.count) { precondition(samples.times[next - 1] <= samples.times[next]) }
    }
  }

  /// Ends the database cleanly; its files, those of a snapshot's block among them, under the root.
  func filesAtTheEnd() -> [(path: String, bytes: [UInt8])] {
    try? database.start()
    let snapshot = try? database.administration.snapshot(skipsHead: false).name
    database.close()
    var found: [(path: String, bytes: [UInt8])] = []
    walk(FuzzServer.root) { path in
      guard let bytes = try? disk.readFile(path) else { return }
      let own = snapshot.map { path.split(separator: "/snapshots/\($0)").joined() } ?? path
      found.append((own, bytes))
    }
    return found
  }

  private func walk(_ directory: String, _ visit: (String) -> Void) {
    for name in (try? disk.list(directory)) ?? [] {
      let path = directory + "/" + name
      guard let status = try? disk.status(path) else { continue }
      if status.kind == .directory { walk(path, visit) } else { visit(path) }
    }
  }
}
