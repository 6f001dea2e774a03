import Model
import Testing

@Suite("Durations as text")
struct DurationTextTests {
  @Test(
    "a duration reads and prints as in Prometheus",
    arguments: [
      ("0", 0, "0s"), ("0s", 0, "0s"), ("0y0w0d", 0, "0s"), ("1ms", 1, "1ms"), ("1s", 1000, "1s"),
      ("1m", 60_000, "1m"), ("1h", 3_600_000, "1h"), ("1d", 86_400_000, "1d"), ("1w", 604_800_000, "1w"),
      ("1y", 31_536_000_000, "1y"), ("1h30m", 5_400_000, "1h30m"), ("90m", 5_400_000, "1h30m"),
      ("1500ms", 1500, "1s500ms"), ("4h5m", 14_700_000, "4h5m"), ("15d", 1_296_000_000, "15d"),
      ("90d", 7_776_000_000, "90d"), ("14d", 1_209_600_000, "2w"), ("365d", 31_536_000_000, "1y"),
      ("366d", 31_622_400_000, "366d"), ("372d", 32_140_800_000, "372d"), ("1y1w", 32_140_800_000, "372d"),
      ("371d", 32_054_400_000, "53w"), ("1w1h", 608_400_000, "7d1h"), ("8d10m", 691_800_000, "8d10m"),
      ("1y2w3d4h5m6s7ms", 33_019_506_007, "382d4h5m6s7ms"), ("10000000s", 10_000_000_000, "115d17h46m40s"),
      ("00001s", 1000, "1s"), ("292y", 9_208_512_000_000, "292y"),
    ] as [(String, Int64, String)])
  func readsAndPrints(text: String, milliseconds: Int64, printed: String) {
    #expect(DurationText.parse(text) == milliseconds)
    #expect(DurationText.format(milliseconds) == printed)
    #expect(DurationText.parse(printed) == milliseconds)
  }

  @Test(
    "what is no duration is refused in Prometheus's words",
    arguments: [
      ("", "empty duration string"),
      ("1", "not a valid duration string: \"1\""),
      ("s", "not a valid duration string: \"s\""),
      ("-1s", "not a valid duration string: \"-1s\""),
      ("+1s", "not a valid duration string: \"+1s\""),
      ("1m1h", "not a valid duration string: \"1m1h\""),
      ("1s1s", "not a valid duration string: \"1s1s\""),
      ("1.5h", "unknown unit \".\" in duration \"1.5h\""),
      ("1 s", "unknown unit \" s\" in duration \"1 s\""),
      ("1s ", "unknown unit \"s \" in duration \"1s \""),
      ("10M", "unknown unit \"M\" in duration \"10M\""),
      ("1ｓ", "unknown unit \"ｓ\" in duration \"1ｓ\""),
      ("300y", "duration out of range"),
      ("9223372036855ms", "duration out of range"),
      ("99999999999999999999s", "duration out of range"),
    ])
  func refuses(text: String, reason: String) {
    #expect(DurationText.parse(text) == nil)
    #expect {
      try DurationText.read(text)
    } throws: {
      "\($0)" == reason
    }
  }

  @Test("the longest duration is what fits 64-bit nanoseconds")
  func longest() {
    #expect(DurationText.parse("9223372036854ms") == DurationText.millisecondsMax)
    #expect(DurationText.format(DurationText.millisecondsMax) == "106751d23h47m16s854ms")
  }

  @Test("a negative duration reads and prints with one minus")
  func negative() throws {
    #expect(try DurationText.readSigned("-1h30m") == -5_400_000)
    #expect(try DurationText.readSigned("2s") == 2000)
    #expect(throws: DurationText.Refusal.self) { try DurationText.readSigned("--1s") }
    #expect(DurationText.format(-5_400_000) == "-1h30m")
    #expect(DurationText.format(.min).hasPrefix("-"))
  }

  @Test("every text that is printed reads back")
  func roundTrip() {
    var milliseconds: Int64 = 1
    while milliseconds < DurationText.millisecondsMax / 7 {
      for near in -2...2 as ClosedRange<Int64> where milliseconds + near >= 0 {
        #expect(DurationText.parse(DurationText.format(milliseconds + near)) == milliseconds + near)
      }
      milliseconds = milliseconds * 7 / 5 + 1
    }
  }
}
