import PromQL

/// Times by an example, as Go lays them out: `2006-01-02 15:04:05`. Pure.
enum GoTimeLayout {
  /// The parts of an example, longer ones before those that they begin with.
  private static let parts: [(text: String, value: @Sendable (CalendarTime) -> String)] = [
    ("January", { GoTime.months[$0.month - 1] }),
    ("Jan", { String(GoTime.months[$0.month - 1].prefix(3)) }),
    ("Monday", { GoTime.weekdays[$0.weekday] }),
    ("Mon", { String(GoTime.weekdays[$0.weekday].prefix(3)) }),
    ("MST", { _ in "UTC" }),
    ("01", { padded($0.month, 2) }), ("002", { padded($0.dayOfYear, 3) }), ("02", { padded($0.day, 2) }),
    ("03", { padded(hour12($0), 2) }), ("04", { padded($0.minute, 2) }), ("05", { padded($0.second, 2) }),
    ("06", { padded($0.year % 100, 2) }), ("15", { padded($0.hour, 2) }), ("1", { "\($0.month)" }),
    ("2006", { padded($0.year, 4) }), ("2", { "\($0.day)" }),
    ("__2", { padded($0.dayOfYear, 3, with: " ") }), ("_2", { padded($0.day, 2, with: " ") }),
    ("3", { "\(hour12($0))" }), ("4", { "\($0.minute)" }), ("5", { "\($0.second)" }),
    ("PM", { $0.hour >= 12 ? "PM" : "AM" }), ("pm", { $0.hour >= 12 ? "pm" : "am" }),
    ("-070000", { _ in "+000000" }), ("-07:00:00", { _ in "+00:00:00" }), ("-0700", { _ in "+0000" }),
    ("-07:00", { _ in "+00:00" }), ("-07", { _ in "+00" }), ("Z070000", { _ in "Z" }), ("Z07:00:00", { _ in "Z" }),
    ("Z0700", { _ in "Z" }), ("Z07:00", { _ in "Z" }), ("Z07", { _ in "Z" }),
  ]

  static func format(_ time: GoTime, _ layout: String) -> String {
    let calendar = time.calendar
    var result = ""
    var rest = Substring(layout)
    while let first = rest.unicodeScalars.first {
      if let digits = fraction(&rest, time.parts.fraction) {
        result += digits
      } else if let part = parts.first(where: { rest.utf8.starts(with: $0.text.utf8) && !isWord($0.text, rest) }) {
        // `_2006` is a blank before a year.
        if part.text == "_2", rest.utf8.starts(with: "_2006".utf8) {
          result += "_" + padded(calendar.year, 4)
          rest = rest.dropFirst(5)
        } else {
          result += part.value(calendar)
          rest = Substring(rest.unicodeScalars.dropFirst(part.text.utf8.count))
        }
      } else {
        result.unicodeScalars.append(first)
        rest = Substring(rest.unicodeScalars.dropFirst())
      }
    }
    return result
  }

  /// `Jan` and `Mon` within a longer word are no parts.
  private static func isWord(_ part: String, _ rest: Substring) -> Bool {
    guard part == "Jan" || part == "Mon", let next = rest.utf8.dropFirst(3).first else { return false }
    return (97...122).contains(next)
  }

  /// `.000` or `,999` and the like: digits of the second, of which nines leave out zeros at the end.
  private static func fraction(_ rest: inout Substring, _ nanoseconds: Int64) -> String? {
    guard let point = rest.utf8.first, point == UInt8(ascii: ".") || point == UInt8(ascii: ","),
      let digit = rest.utf8.dropFirst().first, digit == 48 || digit == 57
    else { return nil }
    let count = rest.utf8.dropFirst().prefix { $0 == digit }.count
    if let next = rest.utf8.dropFirst(1 + count).first, (48...57).contains(next) { return nil }
    var digits = String(padded(Int(nanoseconds), 9).prefix(count))
    if count > 9 { digits += String(repeating: "0", count: count - 9) }
    rest = Substring(rest.unicodeScalars.dropFirst(1 + count))
    if digit == 57 {
      while digits.utf8.last == 48 { digits.removeLast() }
      if digits.isEmpty { return "" }
    }
    return (point == UInt8(ascii: ".") ? "." : ",") + digits
  }

  private static func hour12(_ calendar: CalendarTime) -> Int {
    calendar.hour % 12 == 0 ? 12 : calendar.hour % 12
  }

  private static func padded(_ value: Int, _ width: Int, with pad: String = "0") -> String {
    let digits = "\(value)"
    return String(repeating: pad, count: max(0, width - digits.utf8.count)) + digits
  }
}
