import HTTP
import Platform
import TSDB
import Workspaces

/// The operations on workspaces themselves: making, listing, describing, naming, deleting them. Immutable.
package struct WorkspaceOperations: Sendable {
  /// True if the caller may do this to the workspace of this id and alias.
  package typealias Permission =
    @Sendable (
      _ caller: (any RequestCaller)?, _ action: RouteAction, _ id: String, _ alias: String?
    ) -> Bool

  let managed: ManagedWorkspaces
  let isPermitted: Permission
  private let random: RandomNumbers

  package init(
    _ managed: ManagedWorkspaces, random: RandomNumbers = RandomNumbers(),
    isPermitted: @escaping Permission = { _, _, _, _ in true }
  ) {
    self.managed = managed
    self.random = random
    self.isPermitted = isPermitted
  }

  package func add(to table: inout ManagementTable) {
    table.add(.createWorkspace, create)
    table.add(.listWorkspaces, list)
    table.add(.describeWorkspace, describe)
    table.add(.deleteWorkspace, delete)
    table.add(.updateWorkspaceAlias, updateAlias)
    table.add(.describeWorkspaceConfiguration, describeConfiguration)
    table.add(.updateWorkspaceConfiguration, updateConfiguration)
    table.add(.listTagsForResource, listTags)
    table.add(.tagResource, tag)
    table.add(.untagResource, untag)
  }

  /// The id in the path, where it can be one.
  package static func id(of request: ManagementRequest) throws(ManagementError) -> String {
    try ManagementRequest.named(request.part("workspaceId"), "workspaceId", WorkspaceLimits.idLengths)
  }

  // MARK: Operations

  private func create(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    if request.member("kmsKeyArn") != nil {
      throw .invalid("kmsKeyArn", "cannot be taken: this server encrypts nothing with keys of KMS; leave it out")
    }
    let alias = try alias(request)
    let tags = try ResourceTags.read(request)
    let id = "ws-" + ManagementID.uuid(random.next(), random.next())
    var record = ManagedRecord(
      id: id, isMade: true, region: request.region ?? managed.region,
      createdMilliseconds: managed.clock.nowMilliseconds())
    record.alias = alias
    record.tags = tags
    try managed.make(record)
    var members = ManagementJSON()
    members.add("workspaceId", id)
    members.add("arn", record.arn)
    members.add(status: "ACTIVE")
    members.add("tags", tags)
    return ManagementAnswer(request, members)
  }

  private func list(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let prefix = request.parameter("alias")
    let page = try ManagementPage(request)
    let seen = managed.all.filter { record in
      let alias = managed.alias(of: record)
      if let prefix, !(alias ?? "").utf8.starts(with: prefix.utf8) { return false }
      return managed.workspaces[record.id]?.id == record.id
        && isPermitted(request.caller, request.operation.action, record.id, alias)
    }
    let (records, next) = page.of(seen) { $0.id }
    var members = ManagementJSON()
    members.add("workspaces", records.map(summary))
    members.add("nextToken", next)
    return ManagementAnswer(request, members)
  }

  private func describe(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let record = try managed.find(Self.id(of: request)).record
    var workspace = summary(record)
    workspace.add("prometheusEndpoint", "\(request.origin)/workspaces/\(record.id)/")
    var members = ManagementJSON()
    members.add("workspace", workspace)
    return ManagementAnswer(request, members)
  }

  private func delete(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    try managed.delete(Self.id(of: request))
    return ManagementAnswer(request)
  }

  private func updateAlias(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let id = try Self.id(of: request)
    guard let alias = try alias(request) else { throw .missing("alias") }
    if let given = managed.configured(id)?.alias, given != alias {
      throw .conflict("the configuration file gives the workspace \(id) its alias: change it there", id: id)
    }
    try managed.change(id) { $0.alias = alias }
    return ManagementAnswer(request)
  }

  /// Without blanks at its ends.
  private func alias(_ request: ManagementRequest) throws(ManagementError) -> String? {
    guard let text = request.member("alias") else { return nil }
    guard let alias = text.text else { throw .invalid("alias", "must be a string") }
    var trimmed = Substring(alias)
    while trimmed.first?.isWhitespace ?? false { trimmed.removeFirst() }
    while trimmed.last?.isWhitespace ?? false { trimmed.removeLast() }
    return try ManagementRequest.checked(String(trimmed), "alias", WorkspaceLimits.aliasLengths)
  }

  private func summary(_ record: ManagedRecord) -> ManagementJSON {
    var members = ManagementJSON()
    members.add("workspaceId", record.id)
    members.add("alias", managed.alias(of: record))
    members.add("arn", record.arn)
    members.add(status: "ACTIVE")
    members.add("createdAt", milliseconds: record.createdMilliseconds)
    members.add("tags", record.tags)
    return members
  }
}

extension ManagedRecord {
  package var arn: String { arnPrefix + "workspace/\(id)" }
  package var arnPrefix: String { "arn:aws:aps:\(region):\(ManagedWorkspaces.account):" }
}
