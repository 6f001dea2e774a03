import Glibc

// Exponentials and logarithms.

extension Elementary {
  /// SLEEF's: e^(x/16) by a Taylor series less one, then squared four times.
  package static func exp(_ x: Double) -> Double {
    if !x.isFinite { return x == -.infinity ? 0 : x }
    if x > 7.09782712893384e+02 { return .infinity }
    // Below, nothing is left of it; the number of halvings has no room to overflow.
    if x < -800 { return 0 }
    let exponent = (x * 1.4426950408889634073599246810018920).rounded(.toNearestOrEven)
    var rest = x.addingProduct(-exponent, 0.69314718055966295651160180568695068359375)
    rest = rest.addingProduct(-exponent, 0.28235290563031577122588448175013436025525412068e-12)
    rest *= 0.0625
    var series = 2.4801587301587301587e-5
    for place in taylor.indices { series = taylor[place].addingProduct(series, rest) }
    // (1 + y)^2 - 1 = y (y + 2).
    var less = rest * series
    for _ in 0..<3 { less *= less + 2 }
    let value = 1.0.addingProduct(less, less + 2)
    return scaled(value, Int(exponent))
  }

  private static let taylor: [7 of Double] = [
    1.9841269841269841270e-4, 1.3888888888888888889e-3, 8.3333333333333333333e-3, 4.1666666666666666667e-2,
    1.6666666666666666667e-1, 0.5, 1,
  ]

  private static func scaled(_ value: Double, _ exponent: Int) -> Double {
    let biased = exponent + 0x3ff
    if biased >= 0x7ff { return .infinity }
    if biased > 0 { return value * Double(bitPattern: UInt64(biased) << 52) }
    return ldexp(value, Int32(exponent))
  }

  /// msun's: 2^x by e^r of what is left of whole powers.
  package static func exp2(_ x: Double) -> Double {
    if x.isNaN || x == .infinity { return x }
    if x == -.infinity || x < -1074 { return 0 }
    if x > 1023.9999999999999 { return .infinity }
    let exponent = x == 0 ? 0 : (x + (x > 0 ? 0.5 : -0.5)).rounded(.towardZero)
    let rest = x - exponent
    let high = rest * logTwoHigh
    let low = -rest * logTwoLow
    let r = high - low
    let t = r * r
    let c =
      r - t
      * horner(
        t,
        [
          4.13813679705723846039e-08, -1.65339022054652515390e-06, 6.61375632143793436117e-05,
          -2.77777777770155933842e-03, 1.66666666666666657415e-01,
        ])
    let y = 1 - ((low - (r * c) / (2 - c)) - high)
    return ldexp(y, Int32(exponent))
  }

  /// msun's natural logarithm.
  package static func log(_ x: Double) -> Double {
    if x.isNaN || x == .infinity { return x }
    if x < 0 { return .nan }
    if x == 0 { return -.infinity }
    // As Go takes a number apart here: one too small for a normal exponent is read as if it had one.
    let bits = x.bitPattern
    var f = Double(bitPattern: bits & 0x000f_ffff_ffff_ffff | 0x3fe0_0000_0000_0000)
    var k = Double(Int(bits >> 52 & 0x7ff) - 0x3fe)
    if f <= 7.07106781186547524401e-01 {
      k -= 1
      f *= 2
    }
    f -= 1
    let s = f / (2 + f)
    let s2 = s * s
    let s4 = s2 * s2
    let odd =
      s2
      * horner(
        s4, [1.479819860511658591e-01, 1.818357216161805012e-01, 2.857142874366239149e-01, 6.666666666666735130e-01])
    let even = s4 * horner(s4, [1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01])
    let r = odd + even
    let half = 0.5 * f * f
    return k * logTwoHigh - ((half - (s * (half + r) + k * logTwoLow)) - f)
  }

  package static func log2(_ x: Double) -> Double {
    let (fraction, exponent) = parts(x)
    // Powers of two are exact.
    if fraction == 0.5 { return Double(exponent - 1) }
    return log(fraction) * (1 / 0.693147180559945309417232121458176568) + Double(exponent)
  }

  package static func log10(_ x: Double) -> Double { log(x) * 0.43429448190325182765 }

  /// msun's logarithm of one more than x.
  static func log1p(_ x: Double) -> Double {
    if x < -1 || x.isNaN { return .nan }
    if x == -1 { return -.infinity }
    if x == .infinity { return x }
    let size = x.magnitude
    if size < 4.142135623730950488017e-01 {
      if size < 0x1p-54 { return x }
      if size < 0x1p-29 { return x - x * x * 0.5 }
      if x > -2.928932188134524755992e-01 { return logOnePlus(x, 0, 0, isTiny: false) }
    }
    let u = size < 0x1p53 ? 1 + x : x
    var k = Int(u.bitPattern >> 52) - 1023
    var correction = 0.0
    if size < 0x1p53 { correction = (k > 0 ? 1 - (u - x) : x - (u - 1)) / u }
    var mantissa = u.bitPattern & 0x000f_ffff_ffff_ffff
    let f: Double
    if mantissa < 0x0006_a09e_667f_3bcd {
      f = Double(bitPattern: mantissa | 0x3ff0_0000_0000_0000) - 1
    } else {
      k += 1
      f = Double(bitPattern: mantissa | 0x3fe0_0000_0000_0000) - 1
      mantissa = (0x0010_0000_0000_0000 - mantissa) >> 2
    }
    return logOnePlus(f, k, correction, isTiny: mantissa == 0)
  }

  private static func logOnePlus(_ f: Double, _ exponent: Int, _ correction: Double, isTiny: Bool) -> Double {
    let k = Double(exponent)
    let half = 0.5 * f * f
    if isTiny {
      if f == 0 { return exponent == 0 ? 0 : k * logTwoHigh + (correction + k * logTwoLow) }
      let r = half * (1 - 0.66666666666666666 * f)
      if exponent == 0 { return f - r }
      return k * logTwoHigh - ((r - (k * logTwoLow + correction)) - f)
    }
    let s = f / (2 + f)
    let z = s * s
    let r =
      z
      * horner(
        z,
        [
          1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
          2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01,
        ])
    if exponent == 0 { return f - (half - s * (half + r)) }
    return k * logTwoHigh - ((half - (s * (half + r) + (k * logTwoLow + correction))) - f)
  }
}
