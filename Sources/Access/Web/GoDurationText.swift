/// A duration as Go writes it: `1.5s`, `1m30s`, `250us`.
enum GoDurationText {
  private static let units: [(name: String, nanoseconds: Double)] = [
    ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
  ]

  /// Nil where the text is none, or longer than a century.
  static func nanoseconds(_ text: String) -> Int64? {
    if text == "0" { return 0 }
    var rest = text[...]
    var total = 0.0
    if rest.isEmpty { return nil }
    while !rest.isEmpty {
      let number = rest.prefix { $0 == "." || ("0"..."9").contains($0) }
      guard number.count <= 20, let value = Double(number) else { return nil }
      rest = rest.dropFirst(number.count)
      let name = rest.prefix { $0 != "." && !("0"..."9").contains($0) }
      guard let unit = units.first(where: { $0.name == name }) else { return nil }
      rest = rest.dropFirst(name.count)
      total += value * unit.nanoseconds
    }
    return total < 3.2e18 ? Int64(total) : nil
  }
}
