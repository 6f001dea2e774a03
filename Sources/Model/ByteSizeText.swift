/// Prometheus's way to write numbers of bytes: `512MB`, `1.5GiB`, `1GiB512MiB`; a unit is required, and KB and KiB are
/// both 1024. Bytes are the unit of the value.
package enum ByteSizeText {
  private static let prefixes: [Character] = ["K", "M", "G", "T", "P", "E"]

  /// The bytes of `text`; nil where it is no size. One spelling (`MB` or `MiB`) holds for the whole text, and `kB`,
  /// which means 1000 elsewhere, is refused: both as in Prometheus.
  package static func parse(_ text: some StringProtocol) -> Int64? {
    parse(Substring(text), suffix: "iB") ?? parse(Substring(text), suffix: "B")
  }

  private static func parse(_ text: Substring, suffix: String) -> Int64? {
    var rest = text
    let isNegative = rest.first == "-"
    if isNegative || rest.first == "+" { rest.removeFirst() }
    if rest == "0" { return 0 }
    if rest.isEmpty { return nil }
    var total = 0.0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest.removeFirst(digits.count)
      let unit = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
      rest.removeFirst(unit.count)
      guard let number = decimal(digits), let scale = scale(of: unit, suffix: suffix) else { return nil }
      total += number * scale
    }
    if isNegative { total = -total }
    return total >= -0x1p63 && total < 0x1p63 ? Int64(total) : nil
  }

  /// `12`, `1.5`, `.5`, `1.`: digits with at most one dot, each side below 2^63.
  private static func decimal(_ text: Substring) -> Double? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.contains(where: { !$0.isEmpty }) else { return nil }
    var number = 0.0
    if !parts[0].isEmpty {
      guard let whole = Int64(parts[0]) else { return nil }
      number = Double(whole)
    }
    if parts.count == 2, !parts[1].isEmpty {
      guard let fraction = Int64(parts[1]) else { return nil }
      var scale = 1.0
      for _ in 0..<parts[1].count { scale *= 10 }
      number += Double(fraction) / scale
    }
    return number
  }

  private static func scale(of unit: Substring, suffix: String) -> Double? {
    if unit == "B" { return 1 }
    guard let first = unit.first, let power = prefixes.firstIndex(of: first), unit.dropFirst() == suffix else {
      return nil
    }
    var scale = 1024.0
    for _ in 0..<power { scale *= 1024 }
    return scale
  }

  /// The exact text, largest unit first, `0B` for none: `512MiB`, `1KiB512B`.
  package static func format(_ bytes: Int64) -> String {
    if bytes == 0 { return "0B" }
    var rest = bytes.magnitude
    var text = ""
    var power = 0
    while rest > 0 {
      if rest % 1024 != 0 {
        text = "\(rest % 1024)" + (power == 0 ? "B" : "\(prefixes[power - 1])iB") + text
      }
      rest /= 1024
      power += 1
    }
    return bytes < 0 ? "-" + text : text
  }
}
