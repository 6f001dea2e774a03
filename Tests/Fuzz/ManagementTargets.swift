import Format
import Model

@testable import Management

// The management API: bodies of its requests, and the record of a workspace as it is stored.
extension FuzzTarget {
  static let management = [
    FuzzTarget(
      name: "management-body",
      seeds: {
        var record = ManagedRecord(id: "ws-1", isMade: true, region: "us-east-1", createdMilliseconds: 5)
        record.alias = "a"
        record.tags = ["k": "v"]
        record.settings.retentionDays = 3
        record.blobs["definition"] = .init([0, 255], createdMilliseconds: 1, modifiedMilliseconds: 2)
        record.resourceTags["rulegroupsnamespace/ws-1/n"] = [:]
        return [
          ManagedFile.encode(record), Array("{\"alias\":\" a \",\"tags\":{\"k\":\"v\"},\"clientToken\":\"t\"}".utf8),
          Array("{\"data\":\"YQo=\",\"retentionPeriodInDays\":3}".utf8), [],
        ]
      }
    ) { bytes in
      if let record = ManagedFile.decode(LentBytes(bytes)) {
        let again = ManagedFile.encode(record).lend { ManagedFile.decode($0) }
        precondition(again == record, "a record does not come back")
      }
      guard let body = try? ManagementRequest.body(LentBytes(bytes)) else { return }
      let request = ManagementRequest(.createWorkspace, requestID: "r", body: body)
      precondition(request.fingerprint == request.fingerprint)
      let tags = try? ResourceTags.read(request)
      precondition((tags?.count ?? 0) <= WorkspaceLimits.tagsMax, "too many tags")
      _ = try? request.clientToken()
      _ = try? request.text("alias", length: WorkspaceLimits.aliasLengths)
      _ = try? request.integer("retentionPeriodInDays", WorkspaceLimits.retentionDays)
      if let blob = try? request.blob("data", bytesMax: 1_000) {
        precondition(blob.count <= 1_000, "a blob is longer than it may be")
      }
    }
  ]
}
