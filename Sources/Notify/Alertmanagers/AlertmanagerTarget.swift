import Discovery
import Format
import Model

/// The address of an Alertmanager, from what a discovery found. Pure.
enum AlertmanagerTarget {
  enum Outcome: Equatable {
    case active(url: String)
    case dropped(url: String)
    /// It cannot be asked; the others of its group can.
    case fault(String)
  }

  static let scheme = "__scheme__"
  static let path = "__alerts_path__"

  /// The outcome for a target of a group: its labels, then the group's where it has none, then the rules.
  static func make(
    _ target: Labels, of group: TargetGroup, _ options: AlertmanagerSetOptions, _ relabelling: Relabelling
  ) -> Outcome {
    var builder = LabelsBuilder(target)
    builder.set(scheme, options.scheme)
    builder.set(path, postPath(options.pathPrefix))
    for (name, value) in group.labels.pairs where !target.has(name) { builder.set(name, value) }
    let found = builder.labels()
    guard let labels = relabelling.apply(to: found) else { return .dropped(url: url(found)) }
    let address = labels[TargetGroup.addressLabel] ?? ""
    if address.isEmpty { return .fault("no address") }
    if address.utf8.contains(UInt8(ascii: "/")) { return .fault("\(quoted(address)) is not a valid hostname") }
    return .active(url: url(labels))
  }

  /// `/prefix/api/v2/alerts`, without empty parts and dots.
  static func postPath(_ prefix: String) -> String {
    var parts: [Substring] = []
    for part in (prefix + "/api/v2/alerts").split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Scheme, address and path, as Go writes URLs.
  private static func url(_ labels: Labels) -> String {
    let scheme = labels[scheme] ?? ""
    let path = labels[path] ?? ""
    var url = scheme.isEmpty ? "//" : scheme + "://"
    url += PercentText.encode(labels[TargetGroup.addressLabel] ?? "", keeping: "!$&'()*+,;=:[]<>\"")
    if !path.isEmpty && !path.hasPrefix("/") { url += "/" }
    return url + PercentText.encode(path, keeping: "$&+,/:;=@")
  }
}
