import Model
import TestKit
import Testing

@Suite struct FloatTextTests {
  private func text(_ value: Double, plainFrom: Int = -6, below: Int = 21) -> String {
    var bytes: [UInt8] = []
    FloatText.append(value, plainFrom: plainFrom, below: below, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test(
    "numbers look as in Prometheus's answers",
    arguments: [
      (0, "0"), (-0.0, "-0"), (1, "1"), (-1, "-1"), (0.1, "0.1"), (-12.5, "-12.5"), (0.1 + 0.2, "0.30000000000000004"),
      (1.0 / 3, "0.3333333333333333"), (2.0 / 3, "0.6666666666666666"), (123456.789, "123456.789"), (100, "100"),
      (1e15, "1000000000000000"), (1e16, "10000000000000000"), (9_007_199_254_740_991, "9007199254740991"),
      (9_007_199_254_740_992, "9007199254740992"), (9_007_199_254_740_994, "9007199254740994"),
      (123_456_789_012_345_680, "123456789012345680"), (1.2345678901234567e19, "12345678901234567000"),
      (1e20, "100000000000000000000"), (999_999_999_999_999_868_928, "999999999999999900000"), (1e21, "1e+21"),
      (1.5e21, "1.5e+21"), (-1e22, "-1e+22"), (1e100, "1e+100"), (1.7976931348623157e308, "1.7976931348623157e+308"),
      (0.000001, "0.000001"), (0.0000015, "0.0000015"), (9.99999e-7, "9.99999e-07"), (1e-7, "1e-07"),
      (1.5e-10, "1.5e-10"), (1e-100, "1e-100"), (2.2250738585072014e-308, "2.2250738585072014e-308"),
      (.leastNonzeroMagnitude, "5e-324"), (4.9e-5, "0.000049"), (0.00012, "0.00012"), (.pi, "3.141592653589793"),
      (1_700_000_000.123, "1700000000.123"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
      (Double(bitPattern: 0x7ff0_0000_0000_0002), "NaN"), (Double(bitPattern: 0xfff8_0000_0000_0001), "NaN"),
    ] as [(Double, String)])
  func table(_ value: Double, _ expected: String) {
    #expect(text(value) == expected)
  }

  @Test("every number reads back as the same bits, plain between the limits and with an exponent outside")
  func readsBack() {
    var random = RandomSource(for: "numbers as text")
    for index in 0..<20_000 {
      let value: Double =
        switch index % 4 {
        case 0: Double(bitPattern: random.next())
        case 1: (random.unit() - 0.5) * 1e6
        case 2: Double(random.below(1 << 62))
        default: Double(sign: .plus, exponent: random.below(160) - 80, significand: 1 + random.unit())
        }
      if !value.isFinite { continue }
      let text = text(value)
      let hasExponent = text.utf8.contains(UInt8(ascii: "e"))
      let isOutside = value != 0 && (value.magnitude < 1e-6 || value.magnitude >= 1e21)
      if Double(text)?.bitPattern != value.bitPattern || hasExponent != isOutside || text.utf8.count > 25 {
        Issue.record("\(value) is written \(text)")
      }
    }
  }

  @Test("each power of two around the limits and at the ends reads back")
  func powersOfTwo() {
    for exponent in -1074...1023 {
      let value = Double(sign: .plus, exponent: exponent, significand: 1)
      for neighbour in [value.nextDown, value, value.nextUp] where neighbour > 0 && neighbour.isFinite {
        if Double(text(neighbour))?.bitPattern != neighbour.bitPattern { Issue.record("\(neighbour)") }
      }
    }
  }

  @Test("the limits of the plain form are the caller's, for whole numbers too")
  func otherLimits() {
    #expect(text(1234, below: 3) == "1.234e+03")
    #expect(text(1000, below: 3) == "1e+03")
    #expect(text(999, below: 3) == "999")
    #expect(text(0, below: 0) == "0")
    #expect(text(0.001, plainFrom: -2) == "1e-03")
    #expect(text(0.01, plainFrom: -2) == "0.01")
  }
}
