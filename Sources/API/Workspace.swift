import Ingest
import Platform
import Synchronization
import TSDB

/// One database with all that belongs to it: what Amazon Managed Prometheus calls a workspace. Immutable.
package final class Workspace: Sendable {
  package let id: String
  package let database: Database
  package let receiver: Receiver
  /// What OpenTelemetry pushes goes through it to the intake.
  package let otlp: OTLPReceiver

  package init(id: String, database: Database, receiver: Receiver) {
    self.id = id
    self.database = database
    self.receiver = receiver
    otlp = OTLPReceiver(receiver.intake)
  }
}

/// The workspaces of this server. There is always the default one, served without a prefix. Immutable.
package struct Workspaces: Sendable {
  package static let defaultID = "default"
  package let standard: Workspace
  private let byID: [String: Workspace]

  package init(_ workspaces: [Workspace], standard: Workspace) {
    self.standard = standard
    byID = Dictionary(workspaces.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  package var all: [Workspace] { byID.values.sorted { $0.id < $1.id } }

  package subscript(id: String?) -> Workspace? { id.map { byID[$0] } ?? standard }
}
