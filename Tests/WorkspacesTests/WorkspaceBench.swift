import Ingest
import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Workspaces

/// A set of workspaces on a disk in memory, as the program builds it. One test's own.
final class WorkspaceBench {
  static let now: Int64 = 1_700_000_000_000

  let disk: SimulatedDisk
  let clock: SimulatedClock
  let registry = MetricsRegistry()
  let lines = KeptLines()
  let set: WorkspaceSet
  private let work: SharedWork

  init(
    disk: SimulatedDisk = SimulatedDisk(), clock: SimulatedClock = SimulatedClock(nowMilliseconds: WorkspaceBench.now),
    _ ids: [String] = [], createsOnWrite: Bool = false, bound: WorkspaceBound = WorkspaceBound()
  ) throws {
    self.disk = disk
    self.clock = clock
    work = try SharedWork(clock: clock, databasesMax: 8)
    let log = Log(level: .info, format: .logfmt) { [lines] in lines.keep($0) }
    set = try WorkspaceSet(
      WorkspaceBench.settings(WorkspaceSettings.defaultID),
      in: Workspace.Surroundings(disk: disk, clock: clock, log: log, registry: registry), work: work,
      bound: bound)
    try set.standard.database.restore()
    try set.standard.start(on: work)
    reconfigure(ids, createsOnWrite: createsOnWrite)
  }

  deinit { work.stop() }

  static func settings(_ id: String) -> WorkspaceSettings { WorkspaceSettings(id: id, directory: "/data") }

  func reconfigure(_ ids: [String], createsOnWrite: Bool = false) {
    set.reconfigure(
      ([WorkspaceSettings.defaultID] + ids).map(WorkspaceBench.settings), createsOnWrite: createsOnWrite)
  }

  /// Writes one sample to a workspace as a request would; nil where there is no such workspace.
  @discardableResult
  func write(_ metric: String, _ value: Double, to id: String?) -> ReceiveOutcome? {
    guard case .found(let workspace) = set.findForWrite(id) else { return nil }
    var body = RemoteWriteBody()
    body.add(metric, ["job": "w"], [(timestamp: clock.nowMilliseconds(), value: value)])
    return body.snappy.lend { workspace.receiver.receive($0, encoding: .snappy) }
  }

  /// What a metric says, its value or that of the label.
  func told(_ name: String, _ label: String? = nil) -> Double? {
    registry.families().first { $0.name == name }?.samples
      .first { sample in label == nil || sample.labels.contains { $0.value == label } }?.value
  }

  /// The values of a metric in a workspace, in the order of their times.
  func values(_ metric: String, in id: String?) throws -> [Double] {
    guard let workspace = set[id] else { return [] }
    let selection = try workspace.database.select(
      [try CompiledMatcher(Matcher(.equal, "__name__", metric))], from: .min + 1, through: .max - 1)
    var scratch = DatabaseReadScratch()
    var samples = SeriesSamples()
    var values: [Double] = []
    for place in 0..<selection.count {
      selection.read(place, from: .min + 1, through: .max - 1, &scratch, into: &samples)
      for index in 0..<samples.count { values.append(Double(bitPattern: samples.values[index])) }
    }
    return values
  }
}
