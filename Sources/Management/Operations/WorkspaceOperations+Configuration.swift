import Workspaces

// What a workspace does with its samples and rules: retention, late samples, limits of label sets, the offset of rules.

extension WorkspaceOperations {
  func describeConfiguration(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let settings = try managed.find(Self.id(of: request)).workspace.present
    var configuration = ManagementJSON()
    configuration.add(status: "ACTIVE")
    configuration.add("limitsPerLabelSet", settings.database.head.limits.labelSets.map(LabelSetLimits.json))
    let retention = settings.database.retentionMilliseconds
    // A part of a day counts as a day; samples that are kept for ever have no number.
    if retention > 0 { configuration.add("retentionPeriodInDays", (retention - 1) / 86_400_000 + 1) }
    configuration.add("outOfOrderTimeWindowInSeconds", settings.database.head.lateWindowMilliseconds.map { $0 / 1000 })
    configuration.add("ruleQueryOffsetInSeconds", settings.ruleOptions.queryOffsetMilliseconds / 1000)
    var members = ManagementJSON()
    members.add("workspaceConfiguration", configuration)
    return ManagementAnswer(request, members)
  }

  func updateConfiguration(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    let id = try Self.id(of: request)
    _ = try managed.find(id)
    let sets = try LabelSetLimits.read(request)
    let retention = try request.integer("retentionPeriodInDays", WorkspaceLimits.retentionDays)
    let window = try request.integer("outOfOrderTimeWindowInSeconds", WorkspaceLimits.lateWindowSeconds)
    let offset = try request.integer("ruleQueryOffsetInSeconds", WorkspaceLimits.ruleOffsetSeconds)
    if managed.configured(id) != nil, retention != nil || window != nil || offset != nil || sets != nil {
      throw .conflict("flags and the configuration file set what the workspace \(id) does: change it there", id: id)
    }
    try managed.change(id) { record in
      record.settings.retentionDays = retention ?? record.settings.retentionDays
      record.settings.lateWindowSeconds = window ?? record.settings.lateWindowSeconds
      record.settings.labelSets = sets ?? record.settings.labelSets
      record.settings.ruleOffsetSeconds = offset ?? record.settings.ruleOffsetSeconds
    }
    var members = ManagementJSON()
    members.add(status: "ACTIVE")
    return ManagementAnswer(request, members)
  }
}
