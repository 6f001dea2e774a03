// Tags of workspaces, and of what is in them.

extension WorkspaceOperations {
  func listTags(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let (record, resource) = try tagged(request)
    var members = ManagementJSON()
    members.add("tags", resource.map { record.resourceTags[$0] ?? [:] } ?? record.tags)
    return ManagementAnswer(request, members)
  }

  func tag(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    guard request.member("tags") != nil else { throw .missing("tags") }
    let tags = try ResourceTags.read(request)
    return try changeTags(request) { (present) throws(ManagementError) in
      present.merge(tags) { _, new in new }
      try ResourceTags.check(count: present.count)
    }
  }

  func untag(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let keys = request.parameters("tagKeys")
    if keys.isEmpty { throw .missing("tagKeys") }
    return try changeTags(request) { (present) throws(ManagementError) in
      for key in keys { present[key] = nil }
    }
  }

  private func changeTags(
    _ request: ManagementRequest, _ body: (inout [String: String]) throws(ManagementError) -> Void
  ) throws(ManagementError) -> ManagementAnswer {
    let (record, resource) = try tagged(request)
    try managed.change(record.id) { (record) throws(ManagementError) in
      guard let resource else { return try body(&record.tags) }
      var tags = record.resourceTags[resource] ?? [:]
      try body(&tags)
      record.resourceTags[resource] = tags.isEmpty ? nil : tags
    }
    return ManagementAnswer(request, ManagementJSON())
  }

  /// The workspace that the ARN of the path names, or has the resource that it names. `resource` is the end of the ARN,
  /// nil for the workspace itself.
  private func tagged(_ request: ManagementRequest) throws(ManagementError) -> (
    record: ManagedRecord, resource: String?
  ) {
    let arn = request.part("resourceArn")
    // arn:aws:aps:region:account:kind/workspace[/name], where a name may have colons and slashes.
    let fields = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard fields.count == 6, fields[0] == "arn", fields[2] == "aps" else {
      throw .invalid("resourceArn", "must be like arn:aws:aps:<region>:<account>:workspace/<id>")
    }
    let resource = String(fields[5])
    let parts = resource.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    let absent = ManagementError.notFound("Resource not found: \(arn)", id: arn, type: "AWS::APS::Resource")
    guard parts.count >= 2, let record = managed[parts[1]], managed.workspaces[record.id]?.id == record.id,
      arn == record.arnPrefix + resource,
      isPermitted(request.caller, request.operation.action, record.id, managed.alias(of: record))
    else { throw absent }
    if parts.count == 2, parts[0] == "workspace" { return (record, nil) }
    guard parts.count == 3, parts[0] == "rulegroupsnamespace",
      try managed.find(record.id).workspace.rules.store[parts[2]] != nil
    else { throw absent }
    return (record, resource)
  }
}
