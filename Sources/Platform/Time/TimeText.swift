/// A moment as people and log readers write it, in UTC: `2026-01-02T03:04:05.678Z`.
package enum TimeText {
  /// Appends the text of `milliseconds` since 1970. Any value has a text; years outside 0...9999 take the digits they need.
  package static func append(milliseconds: Int64, to text: inout [UInt8]) {
    let (seconds, millisecond) = floorDivide(milliseconds, 1000)
    let (days, secondOfDay) = floorDivide(seconds, 86_400)
    let date = civilDate(daysSince1970: days)
    appendPadded(date.year, 4, to: &text)
    text.append(UInt8(ascii: "-"))
    appendPadded(date.month, 2, to: &text)
    text.append(UInt8(ascii: "-"))
    appendPadded(date.day, 2, to: &text)
    text.append(UInt8(ascii: "T"))
    appendPadded(secondOfDay / 3600, 2, to: &text)
    text.append(UInt8(ascii: ":"))
    appendPadded(secondOfDay / 60 % 60, 2, to: &text)
    text.append(UInt8(ascii: ":"))
    appendPadded(secondOfDay % 60, 2, to: &text)
    text.append(UInt8(ascii: "."))
    appendPadded(millisecond, 3, to: &text)
    text.append(UInt8(ascii: "Z"))
  }

  package static func text(milliseconds: Int64) -> String {
    var bytes: [UInt8] = []
    append(milliseconds: milliseconds, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The same without zeros at the end of the fraction, as Go writes times: `2026-01-02T03:04:05.6Z`, `2026-01-02T03:04:05Z`.
  package static func shortText(milliseconds: Int64) -> String {
    var bytes: [UInt8] = []
    append(milliseconds: milliseconds, to: &bytes)
    bytes.removeLast()
    while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
    if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
    bytes.append(UInt8(ascii: "Z"))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The Gregorian date of a day number. Counts years from March, so that the leap day is a year's last, and eras of
  /// 400 years, which all have 146,097 days.
  static func civilDate(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let daysFromMarchOfYear0: Int64 = 719_468
    let (era, dayOfEra) = floorDivide(daysSince1970 + daysFromMarchOfYear0, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  private static func appendPadded(_ value: Int64, _ width: Int, to text: inout [UInt8]) {
    if value < 0 { text.append(UInt8(ascii: "-")) }
    let digits = String(value.magnitude).utf8
    for _ in 0..<max(0, width - digits.count) { text.append(UInt8(ascii: "0")) }
    text.append(contentsOf: digits)
  }
}
