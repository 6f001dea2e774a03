import Model

/// The sender of a body, as the log and the status page name it. Made only where something was refused.
package struct Sender: Sendable, Equatable {
  /// Most bytes of the user agent that are kept.
  private static let textBytesMax = 200

  /// The client's address with its port; empty for a part of this server.
  package var address: String
  package var userAgent: String
  package var workspace: String
  /// The protocol's name, such as `remote write 1.0`.
  package var protocolName: String
  /// The answer that this sender gets where only a part of its body is stored.
  package var partlyAnswer: String
  /// True if that answer does not tell the sender what was refused.
  package var isNotTold: Bool

  package init(
    address: String, userAgent: String, workspace: String, protocolName: String, partlyAnswer: String,
    isNotTold: Bool = false
  ) {
    self.address = address
    self.userAgent = String(decoding: userAgent.utf8.prefix(Sender.textBytesMax), as: UTF8.self)
    self.workspace = workspace
    self.protocolName = protocolName
    self.partlyAnswer = partlyAnswer
    self.isNotTold = isNotTold
  }

  /// A part of this server; `name` says which.
  static func own(_ name: String) -> Sender {
    Sender(address: "", userAgent: "", workspace: "", protocolName: name, partlyAnswer: "")
  }

  /// A target that this server scrapes.
  package static func target(_ labels: Labels) -> Sender { own("scrape of target \(labels)") }

  /// Rules of this server; `group` is their file and its name.
  package static func rule(group: String) -> Sender { own("rules of group \(group)") }

  package static let unknown = Sender.own("unknown sender")

  /// The sender on one line.
  var text: String {
    var parts = address.isEmpty ? [] : [address]
    if !userAgent.isEmpty { parts.append("(\(userAgent))") }
    parts.append(parts.isEmpty ? protocolName : "by \(protocolName)")
    return parts.joined(separator: " ")
  }
}
