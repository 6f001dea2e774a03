/// A moment as Go's time has it, in UTC: nanoseconds since 1970. A value.
struct GoTime: Sendable, Equatable {
  var nanoseconds: Int64

  init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Cut to milliseconds, as Prometheus's times are.
  init(seconds: Double) throws(TemplateCallError) {
    if !seconds.isFinite { throw .failed("value is NaN or Inf") }
    let scaled = seconds * 1e9
    if scaled > 0x1p63 || scaled < -0x1p63 {
      throw .failed(
        "\(GoFloat.shortest(seconds)) cannot be represented as a nanoseconds timestamp since it overflows int64")
    }
    nanoseconds = GoTime.wholeNumber(scaled) / 1_000_000 * 1_000_000
  }

  /// A float as an integer; what does not fit is the least one.
  static func wholeNumber(_ value: Double) -> Int64 {
    value >= -0x1p63 && value < 0x1p63 ? Int64(value) : Int64.min
  }

  /// The nanoseconds of a duration in seconds.
  static func nanoseconds(_ seconds: Double) -> Int64 { wholeNumber(seconds * 1e9) }

  /// The seconds of a duration.
  static func seconds(_ nanoseconds: Int64) -> Double {
    Double(nanoseconds / 1_000_000_000) + Double(nanoseconds % 1_000_000_000) / 1e9
  }

  static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

  /// Whole seconds since 1970, rounded down, and the nanoseconds behind them.
  var parts: (seconds: Int64, fraction: Int64) {
    let (quotient, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return rest < 0 ? (quotient - 1, rest + 1_000_000_000) : (quotient, rest)
  }

  /// The Gregorian date and the time of the day.
  var calendar: Calendar {
    let seconds = parts.seconds
    let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    return Calendar(days: Int(days), secondOfDay: Int(seconds - days * 86_400))
  }

  struct Calendar {
    var year: Int
    var month: Int
    var day: Int
    var weekday: Int
    var dayOfYear: Int
    var hour: Int
    var minute: Int
    var second: Int

    /// Years that begin in March: the leap day comes last, and 400 of them make 146,097 days.
    init(days: Int, secondOfDay: Int) {
      let shifted = days + 719_468
      let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
      let dayOfEra = shifted - era * 146_097
      let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
      let dayOfMarchYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
      let marchMonth = (5 * dayOfMarchYear + 2) / 153
      day = dayOfMarchYear - (153 * marchMonth + 2) / 5 + 1
      month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
      year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month - 1]
      dayOfYear = before + day + (isLeap && month > 2 ? 1 : 0)
      weekday = ((days % 7) + 11) % 7
      (hour, minute, second) = (secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60)
    }
  }

  /// `2015-06-23 13:19:44.128 +0000 UTC`.
  var description: String { GoTimeLayout.format(self, "2006-01-02 15:04:05.999999999 -0700 MST") }

  /// A duration as Go writes it: `1h30m0s`, `1.5s`, `250ms`.
  static func duration(_ nanoseconds: Int64) -> String {
    if nanoseconds == 0 { return "0s" }
    let sign = nanoseconds < 0 ? "-" : ""
    let magnitude = nanoseconds.magnitude
    if magnitude < 1_000_000_000 {
      if magnitude < 1000 { return "\(sign)\(magnitude)ns" }
      if magnitude < 1_000_000 { return sign + fraction(magnitude, of: 1000) + "µs" }
      return sign + fraction(magnitude, of: 1_000_000) + "ms"
    }
    let seconds = magnitude / 1_000_000_000
    let last = fraction(magnitude % 60_000_000_000, of: 1_000_000_000) + "s"
    if seconds < 60 { return sign + last }
    if seconds < 3600 { return "\(sign)\(seconds / 60)m\(last)" }
    return "\(sign)\(seconds / 3600)h\(seconds / 60 % 60)m\(last)"
  }

  private static func fraction(_ value: UInt64, of unit: UInt64) -> String {
    let rest = value % unit
    if rest == 0 { return "\(value / unit)" }
    var digits = String(unit + rest).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(value / unit).\(digits)"
  }
}
