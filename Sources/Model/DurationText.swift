/// Prometheus's way to write durations: `1h30m`, `15d`, `250ms`, units y w d h m s ms, each at most once, largest
/// first. Milliseconds are the unit of the value.
package enum DurationText {
  private static let units: [(text: String, milliseconds: Int64)] = [
    ("y", 365 * 86_400_000), ("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000),
    ("s", 1000), ("ms", 1),
  ]

  /// The milliseconds of `text`; nil where it is not a duration or does not fit 64-bit nanoseconds, as in Prometheus.
  package static func parse(_ text: some StringProtocol) -> Int64? {
    if text == "0" { return 0 }
    var total: Int64 = 0
    var nextUnit = 0
    var rest = text.utf8[...]
    if rest.isEmpty { return nil }
    while !rest.isEmpty {
      var number: Int64 = 0
      var digits = 0
      while let byte = rest.first, byte >= 48, byte <= 57 {
        let (scaled, tooLarge) = number.multipliedReportingOverflow(by: 10)
        let (sum, overflow) = scaled.addingReportingOverflow(Int64(byte - 48))
        if tooLarge || overflow { return nil }
        number = sum
        digits += 1
        rest = rest.dropFirst()
      }
      let unitText = rest.prefix { $0 < 48 || $0 > 57 }
      rest = rest.dropFirst(unitText.count)
      guard digits > 0,
        let unit = units[nextUnit...].firstIndex(where: { $0.text.utf8.elementsEqual(unitText) })
      else { return nil }
      nextUnit = unit + 1
      let (part, tooLarge) = number.multipliedReportingOverflow(by: units[unit].milliseconds)
      let (sum, overflow) = total.addingReportingOverflow(part)
      if tooLarge || overflow { return nil }
      total = sum
    }
    return total <= Int64.max / 1_000_000 ? total : nil
  }

  /// The shortest exact text, `0s` for none: weeks and years only where they divide evenly.
  package static func format(_ milliseconds: Int64) -> String {
    if milliseconds == 0 { return "0s" }
    if milliseconds < 0 { return "-" + format(0 - max(milliseconds, -Int64.max)) }
    var rest = milliseconds
    var text = ""
    for unit in units {
      let mustDivide = unit.text == "y" || unit.text == "w"
      if mustDivide && rest % unit.milliseconds != 0 { continue }
      let count = rest / unit.milliseconds
      if count > 0 {
        text += "\(count)\(unit.text)"
        rest -= count * unit.milliseconds
      }
    }
    return text
  }
}
