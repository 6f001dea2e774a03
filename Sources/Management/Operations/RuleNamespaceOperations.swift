import Rules
import Synchronization
import Workspaces

/// The operations on rule groups namespaces: those of the workspace's `RuleStore`, whichever API has put them there. Any
/// thread.
package final class RuleNamespaceOperations: Sendable {
  package static let resourceType = "AWS::APS::RuleGroupsNamespace"

  private static let nameLengths = 1...128

  private let managed: ManagedWorkspaces
  /// One change at a time: the store's and the record's part of it belong together.
  private let changing = Mutex(())

  package init(_ managed: ManagedWorkspaces) { self.managed = managed }

  package func add(to table: inout ManagementTable) {
    table.add(.createRuleGroupsNamespace) { [self] (request) throws(ManagementError) in try create(request) }
    table.add(.putRuleGroupsNamespace) { [self] (request) throws(ManagementError) in try put(request) }
    table.add(.describeRuleGroupsNamespace) { [self] (request) throws(ManagementError) in try describe(request) }
    table.add(.deleteRuleGroupsNamespace) { [self] (request) throws(ManagementError) in try delete(request) }
    table.add(.listRuleGroupsNamespaces) { [self] (request) throws(ManagementError) in try list(request) }
  }

  /// The end of the ARN of a namespace.
  package static func resource(_ workspace: String, _ name: String) -> String {
    "rulegroupsnamespace/\(workspace)/\(name)"
  }

  // MARK: Operations

  private func create(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let (workspace, record) = try managed.find(WorkspaceOperations.id(of: request))
    let name = try ManagementRequest.named(
      request.requiredText("name", length: Self.nameLengths), "name", Self.nameLengths)
    let data = try request.blob("data", bytesMax: workspace.rules.store.limits.bytesMax)
    let tags = try ResourceTags.read(request)
    let resource = Self.resource(record.id, name)
    try changing.withLock { (_) throws(ManagementError) in
      let store = workspace.rules.store
      if store[name] != nil { throw Self.conflict(name, record.arnPrefix + resource) }
      try Self.wrap(name, data, record) { () throws(RuleStoreError) in try store.checked(name, data) }
      // Tags first: without their namespace they are nothing, and the next attempt finds none in its way.
      try setTags(record.id, resource, tags)
      do throws(ManagementError) {
        try Self.wrap(name, data, record) { () throws(RuleStoreError) in
          try store.replace(name, with: data, where: .absent)
        }
      } catch {
        if error.kind != .conflict { try? setTags(record.id, resource, [:]) }
        throw error
      }
    }
    return try answer(request, record, name, tags)
  }

  private func put(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let (workspace, record) = try managed.find(WorkspaceOperations.id(of: request))
    let name = request.part("name")
    let data = try request.blob("data", bytesMax: workspace.rules.store.limits.bytesMax)
    try Self.wrap(name, data, record) { () throws(RuleStoreError) in
      try workspace.rules.store.replace(name, with: data, where: .present)
    }
    return try answer(request, record, name, record.resourceTags[Self.resource(record.id, name)] ?? [:])
  }

  private func describe(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let (workspace, record) = try managed.find(WorkspaceOperations.id(of: request))
    let name = request.part("name")
    guard let namespace = workspace.rules.store[name] else { throw Self.notFound(name, record) }
    var described = summary(record, namespace)
    described.add("data", blob: Array(namespace.text.utf8))
    var members = ManagementJSON()
    members.add("ruleGroupsNamespace", described)
    return ManagementAnswer(request, members)
  }

  private func list(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let (workspace, record) = try managed.find(WorkspaceOperations.id(of: request))
    let prefix = request.parameter("name") ?? ""
    let page = try ManagementPage(request)
    let (namespaces, next) = page.of(
      workspace.rules.store.namespaces.filter { $0.name.utf8.starts(with: prefix.utf8) }
    ) { $0.name }
    var members = ManagementJSON()
    members.add("ruleGroupsNamespaces", namespaces.map { summary(record, $0) })
    members.add("nextToken", next)
    return ManagementAnswer(request, members)
  }

  private func delete(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let (workspace, record) = try managed.find(WorkspaceOperations.id(of: request))
    let name = request.part("name")
    try changing.withLock { (_) throws(ManagementError) in
      try Self.wrap(name, [], record) { () throws(RuleStoreError) in try workspace.rules.store.delete(name) }
      try setTags(record.id, Self.resource(record.id, name), [:])
    }
    return ManagementAnswer(request)
  }

  // MARK: Parts

  private func setTags(_ id: String, _ resource: String, _ tags: [String: String]) throws(ManagementError) {
    try managed.change(id) { $0.resourceTags[resource] = tags.isEmpty ? nil : tags }
  }

  private func answer(
    _ request: ManagementRequest, _ record: ManagedRecord, _ name: String, _ tags: [String: String]
  ) throws(ManagementError) -> ManagementAnswer {
    var members = ManagementJSON()
    members.add("name", name)
    members.add("arn", record.arnPrefix + Self.resource(record.id, name))
    members.add(status: "ACTIVE")
    members.add("tags", tags)
    return ManagementAnswer(request, members)
  }

  private func summary(_ record: ManagedRecord, _ namespace: StoredNamespace) -> ManagementJSON {
    let resource = Self.resource(record.id, namespace.name)
    let created = namespace.createdMilliseconds > 0 ? namespace.createdMilliseconds : record.createdMilliseconds
    var members = ManagementJSON()
    members.add("arn", record.arnPrefix + resource)
    members.add("name", namespace.name)
    members.add(status: namespace.fault == nil ? "ACTIVE" : "UPDATE_FAILED", reason: namespace.fault)
    members.add("createdAt", milliseconds: created)
    members.add("modifiedAt", milliseconds: max(created, namespace.modifiedMilliseconds))
    members.add("tags", record.resourceTags[resource] ?? [:])
    return members
  }

  // MARK: Errors

  private static func conflict(_ name: String, _ arn: String) -> ManagementError {
    .conflict("the rule groups namespace \(name) exists already: put changes it", id: arn, type: resourceType)
  }

  private static func notFound(_ name: String, _ record: ManagedRecord) -> ManagementError {
    .notFound(
      "Rule groups namespace not found: \(name)", id: record.arnPrefix + resource(record.id, name), type: resourceType)
  }

  private static func wrap(
    _ name: String, _ data: [UInt8], _ record: ManagedRecord, _ body: () throws(RuleStoreError) -> Void
  ) throws(ManagementError) {
    do throws(RuleStoreError) {
      try body()
    } catch {
      switch error {
      case .noNamespace, .noGroup: throw notFound(name, record)
      case .namespaceExists: throw conflict(name, record.arnPrefix + resource(record.id, name))
      case .unreadable(let why), .refused(let why): throw .invalid("data", ManagementBlob.objection(why, to: data))
      case .disk: throw ManagementError(.internalError, "\(error)")
      }
    }
  }
}
