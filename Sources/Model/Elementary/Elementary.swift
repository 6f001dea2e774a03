import Glibc

// Elementary functions to the last bit as Go's math package has them on amd64, which is what answers of Prometheus are made
// with. C's library is often one unit in the last place away: both are within their bounds, and answers are compared as text.
// The polynomials are those of Cephes, FreeBSD's msun and SLEEF, evaluated in Go's order of operations; nothing here may be
// rearranged, and no product may be fused with a sum but where Go's own assembly does.

/// A namespace of pure functions.
package enum Elementary {
  static let halfPi = Double.pi / 2
  static let quarterPi = Double.pi / 4
  /// The natural logarithm of two, as a high part with trailing zeros and what is missing.
  static let logTwoHigh = 6.93147180369123816490e-01
  static let logTwoLow = 1.90821492927058770002e-10
  static let logTwo = 6.93147180559945286227e-01

  /// The value of a polynomial whose coefficients are given from the highest power down.
  @inline(__always)
  static func horner<let count: Int>(_ x: Double, _ coefficients: [count of Double]) -> Double {
    var value = coefficients[0]
    for place in 1..<count { value = value * x + coefficients[place] }
    return value
  }

  // MARK: Powers

  /// `base` to the power of `exponent`: the fraction by way of the logarithm, the whole part by squaring.
  package static func power(_ base: Double, _ exponent: Double) -> Double {
    if let value = specialPower(base, exponent) { return value }
    var whole = exponent.magnitude.rounded(.towardZero)
    var fraction = exponent.magnitude - whole
    if fraction != 0, base < 0 { return .nan }
    if whole >= 0x1p63 {
      // A large even number: all but -1 goes to an end.
      if base == -1 { return 1 }
      return (base.magnitude < 1) == (exponent > 0) ? 0 : .infinity
    }
    // The result as a number and a power of two.
    var number = 1.0
    var scale = 0
    if fraction != 0 {
      if fraction > 0.5 {
        fraction -= 1
        whole += 1
      }
      number = exp(fraction * log(base))
    }
    var (square, squareScale) = parts(base)
    var bits = Int64(whole)
    while bits != 0 {
      if squareScale < -4096 || squareScale > 4096 {
        // Beyond what a float can hold, whatever follows.
        scale += squareScale
        break
      }
      if bits & 1 == 1 {
        number *= square
        scale += squareScale
      }
      square *= square
      squareScale *= 2
      if square < 0.5 {
        square += square
        squareScale -= 1
      }
      bits >>= 1
    }
    if exponent < 0 {
      number = 1 / number
      scale = -scale
    }
    return ldexp(number, Int32(scale))
  }

  private static func specialPower(_ base: Double, _ exponent: Double) -> Double? {
    if exponent == 0 || base == 1 { return 1 }
    if exponent == 1 { return base }
    if base.isNaN || exponent.isNaN { return .nan }
    if base == 0 {
      let keepsSign = base.sign == .minus && isOdd(exponent)
      if exponent < 0 { return keepsSign ? -.infinity : .infinity }
      return keepsSign ? base : 0
    }
    if exponent.isInfinite {
      if base == -1 { return 1 }
      return (base.magnitude < 1) == (exponent > 0) ? 0 : .infinity
    }
    if base.isInfinite {
      if base < 0 { return power(1 / base, -exponent) }
      return exponent < 0 ? 0 : .infinity
    }
    if exponent == 0.5 { return base.squareRoot() }
    if exponent == -0.5 { return 1 / base.squareRoot() }
    return nil
  }

  private static func isOdd(_ value: Double) -> Bool {
    if value.magnitude >= 0x1p53 { return false }
    return value == value.rounded(.towardZero) && Int64(value) & 1 == 1
  }

  /// A number of the size 0.5 to below 1, or what has no size, and the power of two that makes the value of it.
  static func parts(_ value: Double) -> (fraction: Double, exponent: Int) {
    if !value.isFinite || value == 0 { return (value, 0) }
    return (Double(signOf: value, magnitudeOf: value.significand / 2), Int(value.exponent) + 1)
  }
}
