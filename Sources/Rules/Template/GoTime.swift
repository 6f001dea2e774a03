import Model
import PromQL

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
        "\(FloatText.general(seconds)) cannot be represented as a nanoseconds timestamp since it overflows int64")
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
  var calendar: CalendarTime { CalendarTime(seconds: parts.seconds) }

  /// `2015-06-23 13:19:44.128 +0000 UTC`.
  var description: String { GoTimeLayout.format(self, "2006-01-02 15:04:05.999999999 -0700 MST") }

  /// A duration as Go writes it: `1h30m0s`, `1.5s`, `250ms`. There may be more nanoseconds than Go has.
  static func duration(_ nanoseconds: some BinaryInteger) -> String {
    if nanoseconds == 0 { return "0s" }
    let sign = nanoseconds < 0 ? "-" : ""
    let magnitude = UInt128(nanoseconds.magnitude)
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

  private static func fraction(_ value: UInt128, of unit: UInt128) -> String {
    let rest = value % unit
    if rest == 0 { return "\(value / unit)" }
    var digits = String(unit + rest).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(value / unit).\(digits)"
  }
}
