/// The contents of resolv.conf: who is asked, and how a name is completed. A value.
struct ResolverConfiguration: Sendable, Equatable {
  /// A longer file is cut.
  static let bytesMax = 1 << 20
  /// Further servers and domains are not looked at.
  static let serversMax = 16
  static let domainsMax = 32

  /// IP addresses, in their order.
  var servers: [String] = []
  var search: [String] = []
  /// A name with fewer dots is first tried behind the domains of `search`.
  var dotsMin = 1

  init() {}

  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      switch words.first {
      case "nameserver": if words.count > 1, servers.count < Self.serversMax { servers.append(words[1]) }
      case "domain": search = Array(words.dropFirst().prefix(1))
      case "search": search = Array(words.dropFirst().prefix(Self.domainsMax))
      case "options":
        for word in words.dropFirst() where word.hasPrefix("ndots:") {
          dotsMin = min(max(Int(word.dropFirst(6)) ?? 0, 0), 15)
        }
      default: break
      }
    }
  }

  /// The names to try, in their order, each with its final dot.
  func candidates(_ name: String) -> [String] {
    if isComplete(name) { return [name] }
    let labels = name.split(separator: ".", omittingEmptySubsequences: false).count
    let behind = search.map { domain in
      domain == "." ? name + "." : name + "." + (isComplete(domain) ? domain : domain + ".")
    }
    return labels > dotsMin ? [name + "."] + behind : behind + [name + "."]
  }

  /// True for a final dot that is no escaped one.
  private func isComplete(_ name: String) -> Bool {
    guard name.hasSuffix(".") else { return false }
    return name.dropLast().reversed().prefix { $0 == "\\" }.count % 2 == 0
  }
}
