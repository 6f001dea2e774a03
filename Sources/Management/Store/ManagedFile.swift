import Format
import Model
import Platform
import TSDB

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
    if let sets = record.settings.labelSets { json.add("labelSets", sets.map(encode)) }
    if let log = record.ruleLog { json.add("ruleLog", encode(log)) }
    if let log = record.queryLog { json.add("queryLog", encode(log)) }
    if let policy = record.policy {
      var entry = ManagementJSON()
      entry.add("document", policy.document)
      entry.add("revision", policy.revision)
      json.add("policy", entry)
    }
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
    guard isSane(record.settings), readLater(json, &record) else { return nil }
    record.blobs = blobs
    for resource in resources {
      guard let tags = texts(resource.value) else { return nil }
      record.resourceTags[resource.name] = tags
    }
    return record
  }

  private static func encode(_ set: LabelSetLimit) -> ManagementJSON {
    var entry = ManagementJSON()
    entry.add("labels", Dictionary(set.labels.pairs.map { ($0.name, $0.value) }) { first, _ in first })
    entry.add("max", Int64(set.seriesMax))
    return entry
  }

  private static func encode(_ log: ManagedRecord.LogDestination) -> ManagementJSON {
    var entry = ManagementJSON()
    entry.add("arn", log.logGroupARN)
    entry.add("samplesMin", log.samplesMin)
    entry.add("created", log.createdMilliseconds)
    entry.add("modified", log.modifiedMilliseconds)
    return entry
  }

  /// The members that the first records did not have; false where one is not what it should be.
  private static func readLater(_ json: JSONDocument, _ record: inout ManagedRecord) -> Bool {
    if let sets = json["labelSets"] {
      guard case .array(let entries) = sets else { return false }
      var read: [LabelSetLimit] = []
      for entry in entries {
        guard let labels = texts(entry["labels"]), let most = entry["max"]?.integer, let seriesMax = Int(exactly: most),
          seriesMax >= 0
        else { return false }
        read.append(LabelSetLimit(labels: Labels(labels.map { ($0.key, $0.value) }), seriesMax: seriesMax))
      }
      record.settings.labelSets = read
    }
    for (name, path) in [("ruleLog", \ManagedRecord.ruleLog), ("queryLog", \.queryLog)] {
      guard let entry = json[name] else { continue }
      guard let arn = entry["arn"]?.text, let samples = entry["samplesMin"]?.integer,
        let created = entry["created"]?.integer, let modified = entry["modified"]?.integer
      else { return false }
      record[keyPath: path] = ManagedRecord.LogDestination(
        logGroupARN: arn, samplesMin: samples, createdMilliseconds: created, modifiedMilliseconds: modified)
    }
    guard let policy = json["policy"] else { return true }
    guard let document = policy["document"]?.text, let revision = policy["revision"]?.text else { return false }
    record.policy = ManagedRecord.Policy(document: document, revision: revision)
    return true
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
