import Access
import Format
import HTTP
import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Workspaces

@testable import Management

/// The management API over workspaces on a disk in memory, as the program builds it. One test's own.
final class ManagementBench {
  let disk: SimulatedDisk
  let clock = SimulatedClock(nowMilliseconds: 1_700_000_000_000)
  let registry = MetricsRegistry()
  let set: WorkspaceSet
  let managed: ManagedWorkspaces
  let policies = ResourcePolicies()
  private let work: SharedWork
  private let table: ManagementTable

  init(
    disk: SimulatedDisk = SimulatedDisk(), _ ids: [String] = [], bound: WorkspaceBound = WorkspaceBound(),
    seed: UInt64 = 1
  ) throws {
    self.disk = disk
    work = try SharedWork(clock: clock, databasesMax: 8)
    let log = Log(level: .error, format: .logfmt) { _ in }
    set = try WorkspaceSet(
      ManagementBench.settings(WorkspaceSettings.defaultID),
      in: Workspace.Surroundings(disk: disk, clock: clock, log: log, registry: registry), work: work, bound: bound)
    try set.standard.database.restore()
    managed = ManagedWorkspaces(set, disk: disk, clock: clock, log: log)
    var table = ManagementTable(tokens: ClientTokens(clock: clock))
    WorkspaceOperations(managed, random: RandomNumbers(seed: seed)).add(to: &table)
    RuleNamespaceOperations(managed).add(to: &table)
    LoggingOperations(managed).add(to: &table)
    PolicyOperations(managed, policies, random: RandomNumbers(seed: seed)).add(to: &table)
    self.table = table
    reload(ids)
  }

  deinit { work.stop() }

  static func settings(_ id: String) -> WorkspaceSettings {
    var settings = WorkspaceSettings(id: id, directory: "/data")
    if id == "named" { settings.alias = "by-file" }
    return settings
  }

  func reload(_ ids: [String] = []) {
    set.reconfigure(([WorkspaceSettings.defaultID] + ids).map(ManagementBench.settings), createsOnWrite: false)
  }

  func call(
    _ operation: ManagementOperation, _ parts: [String: String] = [:], query: [(name: String, value: String)] = [],
    _ body: String = "{}"
  ) throws(ManagementError) -> JSONDocument {
    let bytes = Array(body.utf8)
    let document = try bytes.lend { (bytes) throws(ManagementError) in try ManagementRequest.body(bytes) }
    let answer = try table.answer(
      ManagementRequest(operation, requestID: "r", parts: parts, query: query, body: document))
    let text = Array(answer.body.utf8)
    return text.lend { JSONDocument($0) } ?? .null
  }

  /// Makes a workspace; its id.
  func make(_ body: String = "{}") throws(ManagementError) -> String {
    try call(.createWorkspace, body)["workspaceId"]?.text ?? ""
  }

  func call(_ operation: ManagementOperation, _ body: String) throws(ManagementError) -> JSONDocument {
    try call(operation, [:], body)
  }

  /// The kind of the error of a call; nil where it succeeds.
  func failure(_ body: () throws(ManagementError) -> JSONDocument) -> ManagementError.Kind? {
    do throws(ManagementError) {
      _ = try body()
      return nil
    } catch {
      return error.kind
    }
  }
}
