import Platform
import Format
import TestKit
import Testing

@testable import API

@Suite struct ParametersTests {
  @Test("every day of eight centuries has its number of seconds, and the day after it 86,400 more")
  func everyDay() {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    func four(_ number: Int) -> String { String(String("000\(number)".reversed()).prefix(4).reversed()) }
    var expected: Int64?
    for year in Array(0...820) + Array(1580...2420) + Array(9990...9999) {
      if year == 1580 || year == 9990 { expected = nil }
      let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
      for (month, days) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
        let date = four(year) + "-" + two(month + 1) + "-"
        for day in 1...days {
          let time = RFC3339.parse(date + two(day) + "T00:00:00Z")
          // As a plain comparison: an expectation per day of eight centuries takes long.
          if time == nil || (expected != nil && time != expected) { Issue.record("\(date)\(day)") }
          expected = time.map { $0 + 86_400_000 }
        }
        #expect(RFC3339.parse(date + two(days + 1) + "T00:00:00Z") == nil)
      }
    }
  }

  @Test(
    "times in RFC 3339 are read as Go reads them",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2015-07-01T20:10:30.781Z", 1_435_781_430_781),
      ("2000-02-29T23:59:59Z", 951_868_799_000),
      ("0001-01-01T00:00:00Z", -62_135_596_800_000), ("0000-01-01T00:00:00Z", -62_167_219_200_000),
      ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("1969-12-31T23:59:59.999Z", -1),
      ("2015-07-01T20:10:30+02:00", 1_435_774_230_000), ("2015-07-01T20:10:30-05:30", 1_435_801_230_000),
      ("2015-07-01T20:10:30.7819999Z", 1_435_781_430_781), ("2015-07-01T20:10:30.5Z", 1_435_781_430_500),
    ] as [(String, Int64)])
  func times(_ text: String, _ expected: Int64) {
    #expect(RFC3339.parse(text) == expected)
    #expect(Parameters.time(text) == expected)
  }

  @Test(
    "what is no time is refused",
    arguments: [
      "", "2015", "2015-07-01", "2015-07-01T20:10:30", "2015-07-01 20:10:30Z", "2015-13-01T00:00:00Z",
      "2015-00-01T00:00:00Z", "2015-02-29T00:00:00Z", "2015-01-00T00:00:00Z", "2015-01-01T24:00:00Z",
      "2015-01-01T00:60:00Z", "2015-01-01T00:00:60Z", "2015-01-01T00:00:00.Z", "2015-01-01T00:00:00+0200",
      "2015-01-01T00:00:00+25:00", "2015-01-01T00:00:00Zx", "15-01-01T00:00:00Z", "+015-01-01T00:00:00Z",
      "2015-1-01T00:00:00Z", "٢٠١٥-01-01T00:00:00Z", "2015-01-01T00:00:00.1.Z",
    ])
  func noTimes(_ text: String) {
    #expect(RFC3339.parse(text) == nil)
  }

  @Test(
    "numbers are seconds, rounded to the millisecond",
    arguments: [
      ("0", 0), ("1", 1000), ("1.5", 1500), ("-1.5", -1500), ("1700000000.123", 1_700_000_000_123),
      ("1435781430.7811", 1_435_781_430_781), ("1e9", 1_000_000_000_000), (".5", 500), ("-0.0004", 0),
      ("123.9996", 124_000),
    ] as [(String, Int64)])
  func seconds(_ text: String, _ expected: Int64) {
    #expect(Parameters.time(text) == expected)
  }

  @Test(
    "numbers that no time can be are refused",
    arguments: ["NaN", "Inf", "-inf", "1e300", "-1e19", "1e", "1 ", "0x", "9.3e15"])
  func noSeconds(_ text: String) {
    #expect(Parameters.time(text) == nil)
  }
}
