import Format
import Model
import Platform

/// The body of a request to an Alertmanager: `PostableAlerts` of its API v2, byte for byte as Prometheus writes them. Pure.
enum AlertPayload {
  static func json(_ notices: [AlertNotice]) -> [UInt8] {
    var json = JSONBuffer()
    json.raw("[")
    for (place, notice) in notices.enumerated() {
      if place > 0 { json.raw(",") }
      json.raw("{")
      if !notice.annotations.isEmpty {
        json.raw("\"annotations\":")
        json.object(notice.annotations)
        json.raw(",")
      }
      json.raw("\"endsAt\":\"\(TimeText.text(milliseconds: notice.endsAt))\"")
      json.raw(",\"startsAt\":\"\(TimeText.text(milliseconds: notice.startsAt))\"")
      if !notice.generatorURL.isEmpty {
        json.raw(",\"generatorURL\":")
        json.pageString(notice.generatorURL)
      }
      json.raw(",\"labels\":")
      json.object(notice.labels)
      json.raw("}")
    }
    json.raw("]")
    return json.bytes
  }
}

extension JSONBuffer {
  /// Labels as an object, sorted by name.
  mutating func object(_ labels: Labels) {
    raw("{")
    for (place, label) in labels.pairs.enumerated() {
      if place > 0 { raw(",") }
      pageString(label.name)
      raw(":")
      pageString(label.value)
    }
    raw("}")
  }
}
