import Access
import Platform

/// The operations on resource policies. A policy is evaluated beside the statements of the credentials file: what it allows is
/// allowed to principals that are known, and what it denies is denied whatever they say. Immutable.
package struct PolicyOperations: Sendable {
  private static let resourceType = "AWS::APS::ResourcePolicy"
  /// The revision that a first policy may name.
  private static let noRevision = "NO_POLICY"

  private let managed: ManagedWorkspaces
  private let policies: ResourcePolicies
  private let random: RandomNumbers

  /// Puts the stored policies into force.
  package init(_ managed: ManagedWorkspaces, _ policies: ResourcePolicies, random: RandomNumbers = RandomNumbers()) {
    self.managed = managed
    self.policies = policies
    self.random = random
    for record in managed.all { apply(record) }
    managed.onDelete { policies[$0] = nil }
  }

  package func add(to table: inout ManagementTable) {
    table.add(.putResourcePolicy, put)
    table.add(.describeResourcePolicy, describe)
    table.add(.deleteResourcePolicy, delete)
  }

  private func apply(_ record: ManagedRecord) {
    policies[record.id] = record.policy.flatMap {
      try? ResourcePolicy($0.document, of: record.arn, account: ManagedWorkspaces.account)
    }
  }

  private func put(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let record = try managed.find(WorkspaceOperations.id(of: request)).record
    let document = try request.requiredText("policyDocument", length: 1...ResourcePolicy.bytesMax)
    let revision = try request.text("revisionId", length: 1...100)
    do throws(ResourcePolicyError) {
      _ = try ResourcePolicy(document, of: record.arn, account: ManagedWorkspaces.account)
    } catch { throw .invalid("policyDocument", error.description) }
    let new = ManagementID.uuid(random.next(), random.next())
    let changed = try managed.change(record.id) { (record) throws(ManagementError) in
      try Self.check(revision, record)
      record.policy = ManagedRecord.Policy(document: document, revision: new)
    }
    apply(changed)
    var members = ManagementJSON()
    members.add("policyStatus", "ACTIVE")
    members.add("revisionId", new)
    return ManagementAnswer(request, members)
  }

  private func describe(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let record = try managed.find(WorkspaceOperations.id(of: request)).record
    guard let policy = record.policy else { throw Self.notFound(record.id) }
    var members = ManagementJSON()
    members.add("policyDocument", policy.document)
    members.add("policyStatus", "ACTIVE")
    members.add("revisionId", policy.revision)
    return ManagementAnswer(request, members)
  }

  private func delete(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let id = try managed.find(WorkspaceOperations.id(of: request)).record.id
    let changed = try managed.change(id) { (record) throws(ManagementError) in
      if record.policy == nil { throw Self.notFound(id) }
      try Self.check(request.parameter("revisionId"), record)
      record.policy = nil
    }
    apply(changed)
    return ManagementAnswer(request)
  }

  /// A change that names a revision is only made to that one.
  private static func check(_ revision: String?, _ record: ManagedRecord) throws(ManagementError) {
    guard let revision, revision != record.policy?.revision ?? noRevision else { return }
    throw .conflict(
      "the policy of the workspace \(record.id) has another revision: \(record.policy?.revision ?? noRevision)",
      id: record.id, type: resourceType)
  }

  private static func notFound(_ id: String) -> ManagementError {
    .notFound("the workspace \(id) has no resource policy", id: id, type: resourceType)
  }
}
