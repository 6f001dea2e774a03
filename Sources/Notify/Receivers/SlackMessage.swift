import Format
import Model

/// The body that an incoming webhook of Slack gets: one attachment with a line for each alert. Pure.
enum SlackMessage {
  /// Alerts with a line of their own; of the others the number is told.
  static let linesMax = 20
  /// Bytes of one line; Slack cuts long messages.
  static let lineBytesMax = 400

  static func json(_ message: GroupMessage, _ options: SlackOptions, externalURL: String) -> [UInt8] {
    var json = JSONBuffer()
    json.raw("{")
    for (name, value) in [("channel", options.channel), ("username", options.username)] where !value.isEmpty {
      json.string(name)
      json.raw(":")
      json.string(value)
      json.raw(",")
    }
    let title = cut(message.subject)
    json.raw("\"attachments\":[{\"color\":\"\(message.firing.isEmpty ? "good" : "danger")\",\"title\":")
    json.string(escaped(title))
    json.raw(",\"title_link\":")
    json.string("\(externalURL)/alerts")
    json.raw(",\"fallback\":")
    json.string(escaped(title))
    json.raw(",\"mrkdwn_in\":[\"text\"],\"text\":")
    json.string(text(message))
    json.raw("}]}")
    return json.bytes
  }

  private static func text(_ message: GroupMessage) -> String {
    let alerts = message.alerts
    var lines = alerts.prefix(linesMax).enumerated().map { line($1, isFiring: $0 < message.firing.count) }
    if alerts.count > linesMax { lines.append("… and \(alerts.count - linesMax) more") }
    return lines.joined(separator: "\n")
  }

  private static func line(_ notice: AlertNotice, isFiring: Bool) -> String {
    let said = ["summary", "description", "message"].compactMap { notice.annotations[$0] }.first
    let text = said ?? notice.labels.pairs.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
    let flat = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    // Within a link these two would end the address, or its text.
    let address = notice.generatorURL.replacing("|", with: "%7C").replacing(">", with: "%3E")
    let link = address.isEmpty ? "" : " <\(escaped(address))|source>"
    return "*\(isFiring ? "firing" : "resolved")* \(escaped(cut(flat)))\(link)"
  }

  /// As Slack wants it in all texts.
  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  private static func cut(_ text: String) -> String {
    if text.utf8.count <= lineBytesMax { return text }
    var cut = text.prefix(lineBytesMax)
    while cut.utf8.count > lineBytesMax - 3 { cut.removeLast() }
    return cut + "…"
  }
}
