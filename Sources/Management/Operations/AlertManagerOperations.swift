import Notify
import Synchronization

/// The operations on alert manager definitions. A definition is in effect before it is stored, and both before it is
/// acknowledged; a start puts into effect what is stored. Any thread.
package final class AlertManagerOperations: Sendable {
  package static let resourceType = "AWS::APS::AlertManagerDefinition"
  private static let blobName = "alertmanager"
  private static let bytesMax = 1 << 20

  private let managed: ManagedWorkspaces
  private let delivery: DefinitionDelivery
  /// One change at a time: effect and record belong together.
  private let changing = Mutex(())

  package init(_ managed: ManagedWorkspaces, _ delivery: DefinitionDelivery) {
    self.managed = managed
    self.delivery = delivery
    managed.onDelete { [delivery] in delivery.forget($0) }
    for record in managed.all {
      if let blob = record.blobs[Self.blobName] { delivery.restore(blob.bytes, of: record.id) }
    }
  }

  package func add(to table: inout ManagementTable) {
    table.add(.createAlertManagerDefinition) { [self] (request) throws(ManagementError) in
      try store(request, isNew: true)
    }
    table.add(.putAlertManagerDefinition) { [self] (request) throws(ManagementError) in
      try store(request, isNew: false)
    }
    table.add(.describeAlertManagerDefinition) { [self] (request) throws(ManagementError) in try describe(request) }
    table.add(.deleteAlertManagerDefinition) { [self] (request) throws(ManagementError) in try delete(request) }
  }

  private func store(_ request: ManagementRequest, isNew: Bool) throws(ManagementError) -> ManagementAnswer {
    let id = try managed.find(WorkspaceOperations.id(of: request)).record.id
    let data = try request.blob("data", bytesMax: Self.bytesMax)
    try changing.withLock { (_) throws(ManagementError) in
      let present = try managed.find(id).record.blobs[Self.blobName]
      if isNew, present != nil {
        throw .conflict(
          "the workspace \(id) has an alert manager definition already: put changes it", id: id, type: Self.resourceType
        )
      }
      if !isNew, present == nil { throw Self.notFound(id) }
      try change(data, of: id)
      let now = managed.clock.nowMilliseconds()
      do throws(ManagementError) {
        try managed.change(id) { record in
          let created = present?.createdMilliseconds ?? now
          record.blobs[Self.blobName] = .init(data, createdMilliseconds: created, modifiedMilliseconds: now)
        }
      } catch {
        // Not stored: the one before stays in effect.
        try? delivery.change(present?.bytes, of: id)
        throw error
      }
    }
    var members = ManagementJSON()
    members.add(status: "ACTIVE")
    return ManagementAnswer(request, members)
  }

  private func describe(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let record = try managed.find(WorkspaceOperations.id(of: request)).record
    guard let blob = record.blobs[Self.blobName] else { throw Self.notFound(record.id) }
    var definition = ManagementJSON()
    let fault = delivery.fault(of: record.id)
    definition.add(status: fault == nil ? "ACTIVE" : "UPDATE_FAILED", reason: fault)
    definition.add("data", blob: blob.bytes)
    definition.add("createdAt", milliseconds: blob.createdMilliseconds)
    definition.add("modifiedAt", milliseconds: blob.modifiedMilliseconds)
    var members = ManagementJSON()
    members.add("alertManagerDefinition", definition)
    return ManagementAnswer(request, members)
  }

  private func delete(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let id = try managed.find(WorkspaceOperations.id(of: request)).record.id
    try changing.withLock { (_) throws(ManagementError) in
      guard let present = try managed.find(id).record.blobs[Self.blobName] else { throw Self.notFound(id) }
      try change(nil, of: id)
      do throws(ManagementError) {
        try managed.change(id) { $0.blobs[Self.blobName] = nil }
      } catch {
        try? delivery.change(present.bytes, of: id)
        throw error
      }
    }
    return ManagementAnswer(request)
  }

  private func change(_ definition: [UInt8]?, of id: String) throws(ManagementError) {
    do throws(DefinitionRefusal) {
      try delivery.change(definition, of: id)
    } catch {
      switch error {
      case .refused(let why): throw .invalid("data", ManagementBlob.objection(why, to: definition ?? []))
      case .failed(let why): throw ManagementError(.internalError, why)
      }
    }
  }

  private static func notFound(_ id: String) -> ManagementError {
    .notFound("the workspace \(id) has no alert manager definition", id: id, type: resourceType)
  }
}
