import Format
import Model
import Platform

/// The file that lets a restart go on where the last run ended: what each receiver was told of each group, and the alerts in
/// it. A sealed file with JSON inside; a value.
package struct ReceiverStateFile: Sendable {
  /// Groups by their labels, by the receiver's name.
  typealias Receivers = [String: [Labels: AlertGroupTable.Group]]

  private static let name = "notify"
  private static let format = 1
  private static let valuesMax = 8 << 20

  package let path: String
  private let disk: any Disk
  /// Takes reports of damage.
  private let damaged: DamagedFiles

  package init(_ path: String, on disk: any Disk, damaged: DamagedFiles) {
    self.path = path
    self.disk = disk
    self.damaged = damaged
  }

  private var file: SealedFile { SealedFile(path, name: Self.name, format: Self.format, on: disk) }

  /// The contents, as if they were written at `now`: an alert has as much left as it had when it was written, since
  /// nobody could tell that it goes on. Damage is reported.
  func read(at now: Int64) -> Receivers {
    let reading = file.read { Self.decode($0.body, at: now) == nil ? "it is not what this program writes" : nil }
    if let damage = reading.damage {
      damaged.report(
        path, as: DiskPath.name(path), damage: damage, instead: reading.isPrevious ? "the file before it" : "nothing",
        meaning: "receivers may be told again of alerts that they know, and not of the end of some")
    }
    return reading.contents.flatMap { Self.decode($0.body, at: now) } ?? [:]
  }

  func write(_ receivers: Receivers, at now: Int64) throws(DiskError) {
    try file.write(Self.encode(receivers, at: now))
  }

  // MARK: The body

  static func encode(_ receivers: Receivers, at now: Int64) -> [UInt8] {
    var json = JSONBuffer()
    json.raw("{\"savedAt\":\(now),\"receivers\":[")
    for (place, (name, groups)) in receivers.sorted(by: { $0.key < $1.key }).enumerated() {
      if place > 0 { json.raw(",") }
      json.raw("\n{\"name\":")
      json.string(name)
      json.raw(",\"groups\":[")
      for (place, (labels, group)) in groups.sorted(by: { $0.key < $1.key }).enumerated() {
        if place > 0 { json.raw(",") }
        append(labels, group, to: &json)
      }
      json.raw("]}")
    }
    json.raw("]}\n")
    return json.bytes
  }

  private static func append(_ labels: Labels, _ group: AlertGroupTable.Group, to json: inout JSONBuffer) {
    json.raw("\n{\"labels\":")
    json.object(labels)
    json.raw(",\"next\":\(group.nextMilliseconds)")
    if let told = group.told {
      json.raw(",\"told\":{\"at\":\(told.milliseconds),\"firing\":[")
      json.raw(told.firing.sorted().map { "\"\(AlertNotice.text(ofFingerprint: $0))\"" }.joined(separator: ","))
      json.raw("]}")
    }
    json.raw(",\"alerts\":[")
    for (place, notice) in group.alerts.values.sorted(by: { $0.labels < $1.labels }).enumerated() {
      if place > 0 { json.raw(",") }
      json.raw("\n{\"labels\":")
      json.object(notice.labels)
      json.raw(",\"annotations\":")
      json.object(notice.annotations)
      json.raw(",\"startsAt\":\(notice.startsAt),\"endsAt\":\(notice.endsAt),\"isResolved\":\(notice.isResolved)")
      json.raw(",\"generatorURL\":")
      json.string(notice.generatorURL)
      json.raw("}")
    }
    json.raw("]}")
  }

  /// Nil where this is no such body.
  static func decode(_ body: [UInt8], at now: Int64) -> Receivers? {
    guard let document = body.lend({ JSONDocument($0, valuesMax: valuesMax) }),
      let savedAt = moment(document["savedAt"]), let list = document["receivers"]
    else { return nil }
    let passed = max(0, now - savedAt)
    var receivers: Receivers = [:]
    for receiver in list.elements {
      guard let name = receiver["name"]?.text else { return nil }
      var groups: [Labels: AlertGroupTable.Group] = [:]
      for group in receiver["groups"]?.elements ?? [] {
        guard let labels = group["labels"].flatMap(labels), let read = Self.group(group, passed: passed) else {
          return nil
        }
        groups[labels] = read
      }
      receivers[name] = groups
    }
    return receivers
  }

  private static func group(_ value: JSONDocument, passed: Int64) -> AlertGroupTable.Group? {
    guard let next = moment(value["next"]) else { return nil }
    var group = AlertGroupTable.Group(nextMilliseconds: next)
    if let told = value["told"] {
      guard let at = moment(told["at"]) else { return nil }
      let firing = told["firing"]?.elements.compactMap { $0.text.flatMap { UInt64($0, radix: 16) } } ?? []
      group.told = AlertGroupTable.Told(milliseconds: at, firing: Set(firing))
    }
    for alert in value["alerts"]?.elements ?? [] {
      guard let labels = alert["labels"].flatMap(labels), let annotations = alert["annotations"].flatMap(Self.labels),
        let startsAt = moment(alert["startsAt"]), let endsAt = moment(alert["endsAt"]),
        let url = alert["generatorURL"]?.text
      else { return nil }
      let isResolved = alert["isResolved"]?.isTrue ?? false
      group.alerts[labels] = AlertNotice(
        labels: labels, annotations: annotations, startsAt: startsAt,
        endsAt: isResolved ? endsAt : min(endsAt + passed, momentMax),
        isResolved: isResolved, generatorURL: url)
    }
    return group
  }

  /// Milliseconds that sums of moments have room for.
  private static func moment(_ value: JSONDocument?) -> Int64? {
    value?.integer.flatMap { (0...Self.momentMax).contains($0) ? $0 : nil }
  }

  /// Beyond the year 100,000.
  private static let momentMax: Int64 = 1 << 52

  private static func labels(_ value: JSONDocument) -> Labels? {
    guard case .object(let members) = value else { return nil }
    var pairs: [(name: String, value: String)] = []
    for member in members {
      guard let text = member.value.text else { return nil }
      pairs.append((member.name, text))
    }
    return Labels(pairs)
  }
}
