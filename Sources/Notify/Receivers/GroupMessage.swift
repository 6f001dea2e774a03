import Model

/// The news about one group of alerts, for one receiver. A value.
struct GroupMessage: Sendable, Equatable {
  let groupLabels: Labels
  /// Those that fire, then those that do not any more, each sorted by labels.
  let firing: [AlertNotice]
  let resolved: [AlertNotice]
  /// The moment at which it was made.
  let milliseconds: Int64

  var status: String { firing.isEmpty ? "resolved" : "firing" }
  var alerts: [AlertNotice] { firing + resolved }

  /// `[FIRING:2] name (what all have in common)`, as Alertmanager's own templates have it.
  var subject: String {
    var text = "[" + status.uppercased()
    if !firing.isEmpty { text += ":\(firing.count)" }
    text += "] " + groupLabels.pairs.map(\.value).joined(separator: " ")
    let others = commonLabels.pairs.filter { !groupLabels.has($0.name) }
    if !others.isEmpty { text += " (" + others.map(\.value).joined(separator: " ") + ")" }
    return text
  }

  var commonLabels: Labels { Self.common(alerts.map(\.labels)) }
  var commonAnnotations: Labels { Self.common(alerts.map(\.annotations)) }

  /// `{}:{alertname="A"}`: the group's name in messages.
  var groupKey: String {
    "{}:{" + groupLabels.pairs.map { "\($0.name)=\(quoted($0.value))" }.joined(separator: ", ") + "}"
  }

  private static func common(_ sets: [Labels]) -> Labels {
    guard let first = sets.first else { return .empty }
    return Labels(first.pairs.filter { pair in sets.allSatisfy { $0[pair.name] == pair.value } })
  }
}
