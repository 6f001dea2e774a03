import Model
import Outbound

/// The call that publishes to a topic of AWS: plain text, as Alertmanager's own template has it. Pure.
enum SNSMessage {
  /// A subject longer than this is refused by AWS.
  static let subjectCharactersMax = 100
  /// A message of so many bytes is refused by AWS; the rest is cut off.
  static let messageBytesMax = 262_144

  static func call(_ message: GroupMessage, _ options: SNSOptions) -> AWSService.Call {
    .form(
      "Publish", version: "2010-03-31",
      [
        ("TopicArn", options.topicARN),
        ("Subject", subject(options.subject.isEmpty ? message.subject : options.subject)),
        ("Message", text(message)),
      ] + attributes(options.attributes))
  }

  private static func attributes(_ attributes: [String: String]) -> [(String, String)] {
    attributes.sorted { $0.key < $1.key }.enumerated().flatMap { place, attribute in
      let prefix = "MessageAttributes.entry.\(place + 1)."
      return [
        (prefix + "Name", attribute.key), (prefix + "Value.DataType", "String"),
        (prefix + "Value.StringValue", attribute.value),
      ]
    }
  }

  /// Printable ASCII that begins with a letter, digit or mark: AWS takes nothing else.
  static func subject(_ text: String) -> String {
    let plain = text.unicodeScalars.map { $0.value >= 0x20 && $0.value < 0x7f ? Character($0) : "?" }
    return String(plain.drop { $0 == " " }.prefix(subjectCharactersMax))
  }

  static func text(_ message: GroupMessage) -> String {
    var text = message.commonAnnotations.pairs.map(\.value).joined(separator: " ")
    for (title, alerts) in [("Firing", message.firing), ("Resolved", message.resolved)] where !alerts.isEmpty {
      text += "\nAlerts \(title):\n"
      for notice in alerts where text.utf8.count < messageBytesMax { text += block(notice) }
    }
    if text.utf8.count <= messageBytesMax { return text }
    let ending = "\n(cut)"
    var bytes = Array(text.utf8.prefix(messageBytesMax - ending.utf8.count))
    // Not within a character, whose bytes behind the first begin with the bits 10.
    while let last = bytes.last, last & 0xc0 == 0x80 { bytes.removeLast() }
    if let last = bytes.last, last >= 0x80 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self) + ending
  }

  private static func block(_ notice: AlertNotice) -> String {
    func list(_ labels: Labels) -> String { labels.pairs.map { " - \($0.name) = \($0.value)\n" }.joined() }
    return "Labels:\n\(list(notice.labels))Annotations:\n\(list(notice.annotations))Source: \(notice.generatorURL)\n"
  }
}
