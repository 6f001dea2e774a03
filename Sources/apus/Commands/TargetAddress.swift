import Scrape

/// The parts of a URL that is to be scraped.
struct TargetAddress: Equatable {
  var scheme: String
  /// With its port.
  var host: String
  var path: String
  /// Nil where the URL has no query.
  var parameters: [ScrapeOptions.Parameter]?

  /// Nil where the text is no URL of a server.
  init?(_ url: String) {
    let parts = url.split(separator: "#", maxSplits: 1)[0].split(separator: ":", maxSplits: 1)
    guard parts.count == 2, parts[1].hasPrefix("//") else { return nil }
    scheme = String(parts[0])
    let rest = parts[1].dropFirst(2)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    if authority.isEmpty || authority.contains("@") { return nil }
    host = String(authority)
    let tail = rest.dropFirst(authority.count)
    let path = tail.prefix { $0 != "?" }
    self.path = path.isEmpty ? "/" : TargetAddress.decoded(path)
    if path.count == tail.count { return }
    var parameters: [ScrapeOptions.Parameter] = []
    for pair in tail.dropFirst(path.count + 1).split(separator: "&") {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = TargetAddress.decoded(sides[0], plusIsSpace: true)
      let value = sides.count == 2 ? TargetAddress.decoded(sides[1], plusIsSpace: true) : ""
      if let index = parameters.firstIndex(where: { $0.name == name }) {
        parameters[index].values.append(value)
      } else {
        parameters.append(ScrapeOptions.Parameter(name: name, values: [value]))
      }
    }
    self.parameters = parameters
  }

  /// Text without percent signs that stand for bytes; those that stand for none stay.
  private static func decoded(_ text: Substring, plusIsSpace: Bool = false) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(2)
      if byte == UInt8(ascii: "%"), digits.count == 2,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
