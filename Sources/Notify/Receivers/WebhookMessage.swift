import Format
import Model
import Platform

/// The body that a webhook gets: Alertmanager's, version 4, so that receivers written for that take it. Pure.
enum WebhookMessage {
  static func json(_ message: GroupMessage, receiver: String, externalURL: String, alertsMax: Int = 0) -> [UInt8] {
    let alerts = message.alerts
    let shown = alertsMax > 0 ? min(alertsMax, alerts.count) : alerts.count
    var json = JSONBuffer()
    json.raw("{\"receiver\":")
    json.pageString(receiver)
    json.raw(",\"status\":\"\(message.status)\",\"alerts\":[")
    for (place, notice) in alerts.prefix(shown).enumerated() {
      if place > 0 { json.raw(",") }
      append(notice, isFiring: place < message.firing.count, to: &json)
    }
    json.raw("],\"groupLabels\":")
    json.object(message.groupLabels)
    json.raw(",\"commonLabels\":")
    json.object(message.commonLabels)
    json.raw(",\"commonAnnotations\":")
    json.object(message.commonAnnotations)
    json.raw(",\"externalURL\":")
    json.pageString(externalURL)
    json.raw(",\"version\":\"4\",\"groupKey\":")
    json.pageString(message.groupKey)
    json.raw(",\"truncatedAlerts\":\(alerts.count - shown)}\n")
    return json.bytes
  }

  private static func append(_ notice: AlertNotice, isFiring: Bool, to json: inout JSONBuffer) {
    json.raw("{\"status\":\"\(isFiring ? "firing" : "resolved")\",\"labels\":")
    json.object(notice.labels)
    json.raw(",\"annotations\":")
    json.object(notice.annotations)
    json.raw(",\"startsAt\":\"\(TimeText.shortText(milliseconds: notice.startsAt))\",\"endsAt\":\"")
    json.raw(isFiring ? "0001-01-01T00:00:00Z" : TimeText.shortText(milliseconds: notice.endsAt))
    json.raw("\",\"generatorURL\":")
    json.pageString(notice.generatorURL)
    json.raw(",\"fingerprint\":\"\(AlertNotice.text(ofFingerprint: notice.fingerprint))\"}")
  }
}
