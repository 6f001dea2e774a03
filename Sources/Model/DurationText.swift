/// Prometheus's way to write durations: `1h30m`, `15d`, `250ms`, units y w d h m s ms, each at most once, largest
/// first. Milliseconds are the unit of the value.
package enum DurationText {
  /// Why a text is not a duration. The descriptions are Prometheus's.
  package enum Refusal: Error, Equatable, CustomStringConvertible {
    case empty
    case malformed(String)
    case unknownUnit(String, in: String)
    case outOfRange

    package var description: String {
      switch self {
      case .empty: "empty duration string"
      case .malformed(let text): "not a valid duration string: \(quoted(text))"
      case .unknownUnit(let unit, let text): "unknown unit \(quoted(unit)) in duration \(quoted(text))"
      case .outOfRange: "duration out of range"
      }
    }
  }

  /// Largest first. A year and a week are printed only where they divide what is left: 90d, not 12w6d.
  private static let units: [(text: String, milliseconds: Int64, printedOnlyWhenExact: Bool)] = [
    ("y", 365 * 86_400_000, true), ("w", 7 * 86_400_000, true), ("d", 86_400_000, false), ("h", 3_600_000, false),
    ("m", 60_000, false), ("s", 1000, false), ("ms", 1, false),
  ]

  /// The longest duration, of either sign: what fits 64-bit nanoseconds (292 years), as in Prometheus.
  package static let millisecondsMax = Int64.max / 1_000_000

  /// The milliseconds of `text`; nil where it is not a duration.
  package static func parse(_ text: some StringProtocol) -> Int64? {
    do throws(Refusal) { return try read(text) } catch { return nil }
  }

  /// The milliseconds of `text`, or why it is none. A plain `0` needs no unit.
  package static func read(_ text: some StringProtocol) throws(Refusal) -> Int64 {
    if text == "0" { return 0 }
    if text.isEmpty { throw .empty }
    var total: Int64 = 0
    var nextUnit = 0
    var rest = text.utf8[...]
    while !rest.isEmpty {
      let number = try leadingNumber(&rest, of: text)
      let unitText = rest.prefix { $0 < 48 || $0 > 57 }
      rest = rest.dropFirst(unitText.count)
      if unitText.isEmpty { throw .malformed(String(text)) }
      guard let unit = units.firstIndex(where: { $0.text.utf8.elementsEqual(unitText) }) else {
        throw .unknownUnit(String(decoding: unitText, as: UTF8.self), in: String(text))
      }
      if unit < nextUnit { throw .malformed(String(text)) }
      nextUnit = unit + 1
      let (part, tooLarge) = number.multipliedReportingOverflow(by: units[unit].milliseconds)
      let (sum, overflow) = total.addingReportingOverflow(part)
      if tooLarge || overflow || sum > millisecondsMax { throw .outOfRange }
      total = sum
    }
    return total
  }

  /// As `read`, with an optional minus in front.
  package static func readSigned(_ text: some StringProtocol) throws(Refusal) -> Int64 {
    text.utf8.first == 45 ? -(try read(text.dropFirst())) : try read(text)
  }

  private static func leadingNumber<Text: StringProtocol>(
    _ rest: inout Text.UTF8View.SubSequence, of text: Text
  ) throws(Refusal) -> Int64 {
    var number: Int64 = 0
    var digits = 0
    while let byte = rest.first, byte >= 48, byte <= 57 {
      let (scaled, tooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = scaled.addingReportingOverflow(Int64(byte - 48))
      if tooLarge || overflow { throw .outOfRange }
      number = sum
      digits += 1
      rest = rest.dropFirst()
    }
    if digits == 0 { throw .malformed(String(text)) }
    return number
  }

  /// The shortest exact text, `0s` for none.
  package static func format(_ milliseconds: Int64) -> String {
    if milliseconds == 0 { return "0s" }
    var rest = milliseconds.magnitude
    var text = milliseconds < 0 ? "-" : ""
    for unit in units {
      let size = unit.milliseconds.magnitude
      if unit.printedOnlyWhenExact && rest % size != 0 { continue }
      let count = rest / size
      if count > 0 {
        text += "\(count)\(unit.text)"
        rest -= count * size
      }
    }
    return text
  }
}
