import Model

/// Functions from one float to one float.
enum FloatFunction {
  static func named(_ name: String) -> ((Double) -> Double)? { table[name] ?? calendar[name] }

  private static let table: [String: @Sendable (Double) -> Double] = [
    "abs": { $0.magnitude }, "ceil": { $0.rounded(.up) }, "floor": { $0.rounded(.down) },
    "sqrt": { $0.squareRoot() }, "exp": Elementary.exp, "ln": Elementary.log, "log2": Elementary.log2,
    "log10": Elementary.log10, "sin": Elementary.sin, "cos": Elementary.cos, "tan": Elementary.tan,
    "asin": Elementary.asin, "acos": Elementary.acos, "atan": Elementary.atan, "sinh": Elementary.sinh,
    "cosh": Elementary.cosh, "tanh": Elementary.tanh, "asinh": Elementary.asinh, "acosh": Elementary.acosh,
    "atanh": Elementary.atanh,
    "rad": { $0 * .pi / 180 }, "deg": { $0 * 180 / .pi },
    "sgn": { $0 < 0 ? -1 : $0 > 0 ? 1 : $0 },
  ]

  /// Functions of a time in seconds, by name.
  private static let calendar: [String: @Sendable (Double) -> Double] = [
    "minute": { Double(moment($0).minute) }, "hour": { Double(moment($0).hour) },
    "day_of_month": { Double(moment($0).day) }, "day_of_week": { Double(moment($0).weekday) },
    "day_of_year": { Double(moment($0).dayOfYear) }, "days_in_month": { Double(moment($0).daysInMonth) },
    "month": { Double(moment($0).month) }, "year": { Double(moment($0).year) },
  ]

  private static func moment(_ seconds: Double) -> CalendarTime { CalendarTime(seconds) }
}

/// Functions from one native histogram to one float.
enum HistogramFunction: String {
  case count = "histogram_count"
  case sum = "histogram_sum"
  case avg = "histogram_avg"
  case stddev = "histogram_stddev"
  case stdvar = "histogram_stdvar"
}
