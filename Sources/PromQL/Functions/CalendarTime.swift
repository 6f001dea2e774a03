/// A moment in the calendar of UTC.
package struct CalendarTime: Sendable {
  package let year: Int
  package let month: Int
  package let day: Int
  /// The day of the year, from 1.
  package let dayOfYear: Int
  /// Sunday is 0.
  package let weekday: Int
  package let hour: Int
  package let minute: Int
  package let second: Int

  /// The moment of a float as queries have them. Seconds that do not fit 64 bits, NaN among them, count as 2^63, as in
  /// Prometheus.
  init(_ seconds: Double) {
    if seconds >= -9.2233720368547758e18, seconds < 9.2233720368547758e18 {
      self.init(seconds: Int64(seconds))
    } else {
      self.init(days: 106_751_991_167_300, rest: 55_808)
    }
  }

  package init(seconds: Int64) {
    let rest = seconds % 86_400
    let days = seconds / 86_400
    self.init(days: rest < 0 ? days - 1 : days, rest: rest < 0 ? rest + 86_400 : rest)
  }

  /// Days since 1970, and seconds of the day.
  private init(days: Int64, rest: Int64) {
    hour = Int(rest / 3600)
    minute = Int(rest / 60 % 60)
    second = Int(rest % 60)
    weekday = Int((days % 7 + 11) % 7)
    // Years that begin in March: the leap day comes last, and 400 of them make 146,097 days.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfMarchYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfMarchYear + 2) / 153
    day = Int(dayOfMarchYear - (153 * marchMonth + 2) / 5 + 1)
    month = Int(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9)
    let fullYear = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    year = fullYear
    let before = (0..<(month - 1)).reduce(0) { $0 + CalendarTime.days(month: $1 + 1, year: fullYear) }
    dayOfYear = before + day
  }

  var daysInMonth: Int { CalendarTime.days(month: month, year: year) }

  private static func days(month: Int, year: Int) -> Int {
    if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
    return [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// The time as in RFC 3339.
  var text: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let fullYear = String(repeating: "0", count: max(0, 4 - "\(year)".utf8.count)) + "\(year)"
    return "\(fullYear)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second))Z"
  }
}
