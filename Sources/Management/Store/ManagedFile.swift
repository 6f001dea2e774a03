import Format
import Model
import Platform

/// A record as the body of a sealed file: a JSON object.
///
/// Replaced as a whole on change.
package enum ManagedFile {
  /// Values of an object that is read; a record can have no more.
  static let valuesMax = 1_000_000

  static func file(_ path: String, on disk: any Disk) -> SealedFile {
    SealedFile(path, name: "managed", format: 1, on: disk)
  }

  package static func encode(_ record: ManagedRecord) -> [UInt8] {
    var json = ManagementJSON()
    json.add("id", record.id)
    json.add("made", json: record.isMade ? "true" : "false")
    json.add("region", record.region)
    json.add("created", record.createdMilliseconds)
    json.add("alias", record.alias)
    json.add("tags", record.tags)
    json.add("retentionDays", record.settings.retentionDays)
    json.add("lateWindowSeconds", record.settings.lateWindowSeconds)
    json.add("ruleOffsetSeconds", record.settings.ruleOffsetSeconds)
    var blobs = ManagementJSON()
    for (name, blob) in record.blobs.sorted(by: { $0.key < $1.key }) {
      var entry = ManagementJSON()
      entry.add("created", blob.createdMilliseconds)
      entry.add("modified", blob.modifiedMilliseconds)
      entry.add("data", blob: blob.bytes)
      blobs.add(name, entry)
    }
    json.add("blobs", blobs)
    var resources = ManagementJSON()
    for (name, tags) in record.resourceTags.sorted(by: { $0.key < $1.key }) { resources.add(name, tags) }
    json.add("resourceTags", resources)
    return Array((json.text + "\n").utf8)
  }

  /// Nil where this is no such body.
  package static func decode(_ body: LentBytes) -> ManagedRecord? {
    guard let json = JSONDocument(body, valuesMax: valuesMax), let id = json["id"]?.text, !id.isEmpty,
      let region = json["region"]?.text, let created = json["created"]?.integer,
      case .bool(let isMade) = json["made"], let tags = texts(json["tags"]), let blobs = blobs(json["blobs"]),
      case .object(let resources) = json["resourceTags"]
    else { return nil }
    var record = ManagedRecord(id: id, isMade: isMade, region: region, createdMilliseconds: created)
    record.alias = json["alias"]?.text
    record.tags = tags
    record.settings.retentionDays = json["retentionDays"]?.integer
    record.settings.lateWindowSeconds = json["lateWindowSeconds"]?.integer
    record.settings.ruleOffsetSeconds = json["ruleOffsetSeconds"]?.integer
    guard isSane(record.settings) else { return nil }
    record.blobs = blobs
    for resource in resources {
      guard let tags = texts(resource.value) else { return nil }
      record.resourceTags[resource.name] = tags
    }
    return record
  }

  private static func isSane(_ settings: ManagedRecord.Settings) -> Bool {
    (settings.retentionDays.map(WorkspaceLimits.retentionDays.contains) ?? true)
      && (settings.lateWindowSeconds.map(WorkspaceLimits.lateWindowSeconds.contains) ?? true)
      && (settings.ruleOffsetSeconds.map(WorkspaceLimits.ruleOffsetSeconds.contains) ?? true)
  }

  private static func texts(_ document: JSONDocument?) -> [String: String]? {
    guard case .object(let members) = document else { return nil }
    var texts: [String: String] = [:]
    for member in members {
      guard let text = member.value.text else { return nil }
      texts[member.name] = text
    }
    return texts
  }

  private static func blobs(_ document: JSONDocument?) -> [String: ManagedRecord.Blob]? {
    guard case .object(let members) = document else { return nil }
    var blobs: [String: ManagedRecord.Blob] = [:]
    for member in members {
      guard let created = member.value["created"]?.integer, let modified = member.value["modified"]?.integer,
        let text = member.value["data"]?.text, let bytes = Base64.decode(text)
      else { return nil }
      blobs[member.name] = ManagedRecord.Blob(
        bytes, createdMilliseconds: created, modifiedMilliseconds: modified)
    }
    return blobs
  }
}

/// The bounds of what the API stores about a workspace.
package enum WorkspaceLimits {
  package static let aliasLengths = 1...100
  package static let idLengths = 1...64
  package static let retentionDays: ClosedRange<Int64> = 1...1_095
  package static let lateWindowSeconds: ClosedRange<Int64> = 0...600
  package static let ruleOffsetSeconds: ClosedRange<Int64> = 0...86_400
  package static let tagsMax = 50
  package static let tagKeyLengths = 1...128
  package static let tagValueLengths = 0...256
}
