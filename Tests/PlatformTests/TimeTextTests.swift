import Testing

@testable import Platform

@Suite struct TimeTextTests {
  @Test("known moments have their known texts")
  func known() {
    #expect(TimeText.text(milliseconds: 0) == "1970-01-01T00:00:00.000Z")
    #expect(TimeText.text(milliseconds: -1) == "1969-12-31T23:59:59.999Z")
    #expect(TimeText.text(milliseconds: 951_782_400_000) == "2000-02-29T00:00:00.000Z")
    #expect(TimeText.text(milliseconds: 1_767_323_045_678) == "2026-01-02T03:04:05.678Z")
    #expect(TimeText.text(milliseconds: 253_402_300_799_999) == "9999-12-31T23:59:59.999Z")
    #expect(TimeText.text(milliseconds: .max).hasPrefix("292278994-"))
    #expect(TimeText.text(milliseconds: .min).hasPrefix("-292275055-"))
  }

  @Test(
    "the short text has no zeros at the end of its fraction",
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (120, "1970-01-01T00:00:00.12Z"), (10_001, "1970-01-01T00:00:10.001Z"),
      (20_500, "1970-01-01T00:00:20.5Z"),
    ])
  func short(milliseconds: Int64, text: String) { #expect(TimeText.shortText(milliseconds: milliseconds) == text) }

  @Test("every day of 800 years follows the day before it by the calendar's rules")
  func everyDay() throws {
    var date: (year: Int64, month: Int64, day: Int64) = (1600, 1, 1)
    for day in Int64(-135_140)..<(-135_140 + 2 * 146_097) {
      let found = TimeText.civilDate(daysSince1970: day)
      try hold(found == date, "day \(day)")
      let isLeap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0)
      let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      date.day += 1
      if date.day > lengths[Int(date.month) - 1] { date = (date.year, date.month + 1, 1) }
      if date.month > 12 { date = (date.year + 1, 1, 1) }
    }
  }
}
