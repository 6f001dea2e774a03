import Format

/// The operations on the destinations of logs: of what is said of a workspace's rules, and of its queries that went through
/// many samples. The log group is remembered and told again; the lines go to files of this server. Immutable.
package struct LoggingOperations: Sendable {
  private typealias Destination = ManagedRecord.LogDestination

  /// One of the two logs.
  private struct Kind: Sendable {
    var path: @Sendable (inout ManagedRecord, Destination?) -> Void
    var read: @Sendable (ManagedRecord) -> Destination?
    var type: String
    var member: String
    var isOfQueries: Bool
  }

  private static let arnLengths = 1...600

  private let managed: ManagedWorkspaces

  package init(_ managed: ManagedWorkspaces) { self.managed = managed }

  package func add(to table: inout ManagementTable) {
    let rules = Kind(
      path: { $0.ruleLog = $1 }, read: { $0.ruleLog }, type: "AWS::APS::LoggingConfiguration",
      member: "loggingConfiguration", isOfQueries: false)
    let queries = Kind(
      path: { $0.queryLog = $1 }, read: { $0.queryLog }, type: "AWS::APS::QueryLoggingConfiguration",
      member: "queryLoggingConfiguration", isOfQueries: true)
    for (kind, create, update, describe, delete) in [
      (
        rules, ManagementOperation.createLoggingConfiguration, ManagementOperation.updateLoggingConfiguration,
        ManagementOperation.describeLoggingConfiguration, ManagementOperation.deleteLoggingConfiguration
      ),
      (
        queries, .createQueryLoggingConfiguration, .updateQueryLoggingConfiguration,
        .describeQueryLoggingConfiguration, .deleteQueryLoggingConfiguration
      ),
    ] {
      table.add(create) { (request) throws(ManagementError) in try store(request, kind, isNew: true) }
      table.add(update) { (request) throws(ManagementError) in try store(request, kind, isNew: false) }
      table.add(describe) { (request) throws(ManagementError) in try self.describe(request, kind) }
      table.add(delete) { (request) throws(ManagementError) in try self.delete(request, kind) }
    }
  }

  private func store(
    _ request: ManagementRequest, _ kind: Kind, isNew: Bool
  ) throws(ManagementError) -> ManagementAnswer {
    let id = try managed.find(WorkspaceOperations.id(of: request)).record.id
    let (arn, samplesMin) = kind.isOfQueries ? try Self.destination(request) : (try Self.arn(request.body), 0)
    let now = managed.clock.nowMilliseconds()
    try managed.change(id) { (record) throws(ManagementError) in
      let present = kind.read(record)
      if isNew, present != nil {
        throw .conflict("the workspace \(id) has one already: update changes it", id: id, type: kind.type)
      }
      if !isNew, present == nil { throw Self.notFound(id, kind) }
      let destination = Destination(
        logGroupARN: arn, samplesMin: samplesMin, createdMilliseconds: present?.createdMilliseconds ?? now,
        modifiedMilliseconds: now)
      kind.path(&record, destination)
    }
    var members = ManagementJSON()
    members.add(status: "ACTIVE")
    return ManagementAnswer(request, members)
  }

  private func describe(_ request: ManagementRequest, _ kind: Kind) throws(ManagementError) -> ManagementAnswer {
    let record = try managed.find(WorkspaceOperations.id(of: request)).record
    guard let destination = kind.read(record) else { throw Self.notFound(record.id, kind) }
    var described = ManagementJSON()
    described.add(status: "ACTIVE")
    described.add("workspace", record.id)
    if kind.isOfQueries {
      var logs = ManagementJSON()
      logs.add("logGroupArn", destination.logGroupARN)
      var filters = ManagementJSON()
      filters.add("qspThreshold", destination.samplesMin)
      var entry = ManagementJSON()
      entry.add("cloudWatchLogs", logs)
      entry.add("filters", filters)
      described.add("destinations", [entry])
    } else {
      described.add("logGroupArn", destination.logGroupARN)
    }
    described.add("createdAt", milliseconds: destination.createdMilliseconds)
    described.add("modifiedAt", milliseconds: destination.modifiedMilliseconds)
    var members = ManagementJSON()
    members.add(kind.member, described)
    return ManagementAnswer(request, members)
  }

  private func delete(_ request: ManagementRequest, _ kind: Kind) throws(ManagementError) -> ManagementAnswer {
    let id = try managed.find(WorkspaceOperations.id(of: request)).record.id
    try managed.change(id) { (record) throws(ManagementError) in
      if kind.read(record) == nil { throw Self.notFound(id, kind) }
      kind.path(&record, nil)
    }
    return ManagementAnswer(request)
  }

  private static func notFound(_ id: String, _ kind: Kind) -> ManagementError {
    .notFound("the workspace \(id) has none", id: id, type: kind.type)
  }

  // MARK: Reading

  /// The only destination of a log of queries, and the samples from which on they are told.
  private static func destination(_ request: ManagementRequest) throws(ManagementError) -> (String, Int64) {
    guard let value = request.member("destinations") else { throw .missing("destinations") }
    guard case .array(let entries) = value, entries.count == 1, let entry = entries.first else {
      throw .invalid("destinations", "must be a list of exactly one")
    }
    guard let logs = entry["cloudWatchLogs"] else { throw .invalid("destinations", "must have cloudWatchLogs") }
    guard let threshold = entry["filters"]?["qspThreshold"]?.integer, threshold >= 0 else {
      throw .invalid("destinations", "must have a whole number from 0 on as filters.qspThreshold")
    }
    return (try arn(logs), threshold)
  }

  /// `arn:aws:logs:<region>:<12 digits>:log-group:<name>:*`.
  private static func arn(_ object: JSONDocument) throws(ManagementError) -> String {
    let field = "logGroupArn"
    guard let value = object[field], value != .null else { throw .missing(field) }
    guard let text = value.text else { throw .invalid(field, "must be a string") }
    let arn = try ManagementRequest.checked(text, field, arnLengths)
    let parts = arn.split(separator: ":", omittingEmptySubsequences: false)
    let isAccount = { (part: Substring) in part.utf8.count == 12 && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
    guard parts.count == 8, parts[0] == "arn", parts[1].hasPrefix("aws"), parts[2] == "logs", !parts[3].isEmpty,
      isAccount(parts[4]), parts[5] == "log-group", !parts[6].isEmpty, parts[7] == "*"
    else { throw .invalid(field, "must be like arn:aws:logs:<region>:<12 digits>:log-group:<name>:*") }
    return arn
  }
}
