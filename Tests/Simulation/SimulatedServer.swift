import Ingest
import Model
import Platform
import PlatformSimulation
import Synchronization
import TSDB
import Workspaces

/// One life of a server: opened on the world's disk, driven a round at a time, and let go of when it is killed.
final class SimulatedServer {
  static let root = "/data"
  private let workspaces: WorkspaceSet
  let database: Database
  let receiver: Receiver
  let surface: SimulatedSurface
  private var rounds: DatabaseRounds
  /// What was read last met damage: another way may find more of it, or less.
  private(set) var metDamage = false

  init(_ options: DatabaseOptions, disk: SimulatedDisk, clock: SimulatedClock, log: Log) throws {
    let registry = MetricsRegistry()
    var settings = WorkspaceSettings(directory: options.directory)
    settings.database = options
    settings.ingest = IngestLimits()
    workspaces = try WorkspaceSet(
      settings, in: Workspace.Surroundings(disk: disk, clock: clock, log: log, registry: registry), work: nil)
    (database, receiver) = (workspaces.standard.database, workspaces.standard.receiver)
    try database.restore()
    surface = try SimulatedSurface(workspaces, clock: clock, registry: registry)
    rounds = DatabaseRounds(database)
  }

  func upkeep() {
    rounds.maintain()
    rounds.compact()
  }

  /// Whether a power loss would cost nothing of what was acknowledged.
  var isDurable: Bool { rounds.isDurable }

  func receive(_ message: [UInt8]) -> ReceiveOutcome {
    message.lend { receiver.receive($0, encoding: .identity) }
  }

  func receive(_ body: SimulatedSender.Body) -> ReceiveOutcome {
    body.kind == .pushes ? SimulatedPush.send(body, to: surface) : receive(body.message)
  }

  /// Ends cleanly.
  func close() { workspaces.close() }

  /// Every sample of some metrics between two times, both included; of a histogram the number it stands for.
  func everything(
    _ metrics: String = "m|m_total|h", from first: Int64, through last: Int64
  ) throws -> [Labels: WorldModel.Times] {
    let all = try CompiledMatcher(Matcher(.regex, "__name__", metrics))
    var found: [Labels: WorldModel.Times] = [:]
    var scratch = DatabaseReadScratch()
    var samples = SeriesSamples()
    let notes = DamageNotes()
    let selection = try database.select([all], from: first, through: last, notes: notes) { false }
    for place in 0..<selection.count {
      selection.read(place, from: first, through: last, &scratch, into: &samples)
      var times: WorldModel.Times = [:]
      times.reserveCapacity(samples.count)
      for index in 0..<samples.count { times[samples.times[index]] = samples.values[index] }
      for index in 0..<samples.histograms.count {
        times[samples.histograms.times[index]] = SimulatedHistogram.number(of: samples.histograms.values[index])
      }
      if !times.isEmpty { found[selection.labels(place)] = times }
    }
    metDamage = !notes.isEmpty
    return found
  }
}

/// What the server logged, kept for the end of a failing run. Any thread.
package final class SimulatedLog: Sendable {
  private let lines = Mutex<[String]>([])
  private let damages = Mutex<Int>(0)
  private let unwrittenTables = Mutex<Int>(0)
  private let unreadables = Mutex<Int>(0)
  static let linesMax = 60
  private let printsAll: Bool

  init(printsAll: Bool) { self.printsAll = printsAll }

  var log: Log {
    Log(level: .info, format: .logfmt) { [self] text in
      note(text)
      if SimulatedLog.tellsOfDamage(text) { damages.withLock { $0 += 1 } }
      if text.contains("The table of HA leaders could not be written") { unwrittenTables.withLock { $0 += 1 } }
      if text.contains("cannot be read") { unreadables.withLock { $0 += 1 } }
    }
  }

  /// Keeps a line, and prints it where all are wanted.
  func note(_ text: String) {
    if printsAll { print(text) }
    lines.withLock { lines in
      lines.append(text)
      if lines.count > SimulatedLog.linesMax { lines.removeFirst() }
    }
  }

  package var last: [String] { lines.withLock { $0 } }
  /// Lines so far that told of something that could not be read.
  var unreadableCount: Int { unreadables.withLock { $0 } }
  /// Lines so far that told of a table of leaders that could not be written.
  var unwrittenTableCount: Int { unwrittenTables.withLock { $0 } }
  /// Lines so far that told of damage.
  var damageCount: Int { damages.withLock { $0 } }

  private static func tellsOfDamage(_ line: String) -> Bool {
    guard line.contains("level=WARN") || line.contains("level=ERROR") else { return false }
    return ["damage", "cannot be read", "missing", "torn", "aside", "lost", "corrupt", "gap"].contains {
      line.contains($0)
    }
  }
}
