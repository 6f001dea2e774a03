/// Names of the labels that discoveries give, made of the keys of tags, labels and annotations.
package enum MetaLabelName {
  /// The key with `_` for every character outside `[a-zA-Z0-9_]`.
  package static func sanitized(_ key: String) -> String {
    var name = ""
    name.reserveCapacity(key.utf8.count)
    for scalar in key.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "_": name.unicodeScalars.append(scalar)
      default: name.append("_")
      }
    }
    return name
  }

  /// `host:port`, with brackets around a host that has colons itself.
  package static func address(_ host: String, port: String) -> String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
