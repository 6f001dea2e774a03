import Model

/// `host:port` as labels like `instance` have it. Pure; by the rules of Go's net.
enum HostPortText {
  /// The host alone; the text as it is where it is no `host:port`.
  static func withoutPort(_ text: [UInt8]) -> [UInt8] { split(text)?.host ?? text }

  /// `a.b.c:1` becomes `a:1`; addresses stay.
  static func withoutDomain(_ text: [UInt8]) -> [UInt8] {
    let parts = split(text)
    let host = parts?.host ?? text
    if isAddress(host) { return text }
    let name = Array(host.prefix { $0 != UInt8(ascii: ".") })
    guard let port = parts?.port, !port.isEmpty else { return name }
    let colon = [UInt8(ascii: ":")]
    return name.contains(colon[0])
      ? [UInt8(ascii: "[")] + name + [UInt8(ascii: "]")] + colon + port : name + colon + port
  }

  private static func split(_ text: [UInt8]) -> (host: [UInt8], port: [UInt8])? {
    guard let colon = text.lastIndex(of: UInt8(ascii: ":")) else { return nil }
    let (open, close) = (UInt8(ascii: "["), UInt8(ascii: "]"))
    let port = Array(text[(colon + 1)...])
    if text.first == open {
      guard let end = text.firstIndex(of: close), end + 1 == colon else { return nil }
      if text[1...].contains(open) || text[(end + 1)...].contains(close) { return nil }
      return (Array(text[1..<end]), port)
    }
    let host = text[..<colon]
    if host.contains(UInt8(ascii: ":")) || text.contains(open) || text.contains(close) { return nil }
    return (Array(host), port)
  }

  private static func isAddress(_ host: [UInt8]) -> Bool {
    if host.contains(UInt8(ascii: ":")) { return isVersion6(host) }
    return isVersion4(host[...])
  }

  private static func isVersion4(_ host: ArraySlice<UInt8>) -> Bool {
    let parts = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { part in
        guard (1...3).contains(part.count), part.allSatisfy({ (48...57).contains($0) }) else { return false }
        if part.count > 1, part.first == 48 { return false }
        return part.reduce(0) { $0 * 10 + Int($1 - 48) } < 256
      }
  }

  private static func isVersion6(_ host: [UInt8]) -> Bool {
    var groups = host.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    var count = 0
    if let last = groups.last, last.contains(UInt8(ascii: ".")) {
      guard isVersion4(last) else { return false }
      groups[groups.count - 1] = []
      groups.removeLast()
      count = 2
    }
    // `::` at either end makes two empty groups, elsewhere one.
    var gaps = 0
    for (place, group) in groups.enumerated() {
      if group.isEmpty {
        let isEdge = place == 0 || (place == groups.count - 1 && count == 0)
        if isEdge {
          guard groups.count > 2, groups[place == 0 ? 1 : place - 1].isEmpty else { return false }
        } else {
          gaps += 1
        }
        continue
      }
      guard group.count <= 4, group.allSatisfy({ UnquotedText.digit($0) != nil }) else { return false }
      count += 1
    }
    return gaps == 0 ? count == 8 : gaps == 1 && count < 8
  }
}
