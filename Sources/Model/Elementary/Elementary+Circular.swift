// Sine, cosine, tangent and their inverses, after Cephes.

extension Elementary {
  package static func sin(_ x: Double) -> Double {
    if x == 0 || x.isNaN { return x }
    if x.isInfinite { return .nan }
    var (octant, rest) = reduced(x.magnitude)
    var isNegative = x < 0
    if octant > 3 {
      isNegative.toggle()
      octant -= 4
    }
    let value = octant == 1 || octant == 2 ? cosineSeries(rest) : sineSeries(rest)
    return isNegative ? -value : value
  }

  package static func cos(_ x: Double) -> Double {
    if !x.isFinite { return .nan }
    var (octant, rest) = reduced(x.magnitude)
    var isNegative = false
    if octant > 3 {
      octant -= 4
      isNegative.toggle()
    }
    if octant > 1 { isNegative.toggle() }
    let value = octant == 1 || octant == 2 ? sineSeries(rest) : cosineSeries(rest)
    return isNegative ? -value : value
  }

  package static func tan(_ x: Double) -> Double {
    if x == 0 || x.isNaN { return x }
    if x.isInfinite { return .nan }
    let (octant, rest) = reduced(x.magnitude)
    let square = rest * rest
    var value = rest
    if square > 1e-14 {
      let above = horner(square, [-1.30936939181383777646e4, 1.15351664838587416140e6, -1.79565251976484877988e7])
      let below = horner(
        square,
        [
          1, 1.36812963470692954678e4, -1.32089234440210967447e6, 2.50083801823357915839e7,
          -5.38695755929454629881e7,
        ])
      value = rest + rest * (square * above / below)
    }
    if octant & 2 == 2 { value = -1 / value }
    return x < 0 ? -value : value
  }

  private static func sineSeries(_ x: Double) -> Double {
    let square = x * x
    return x + x * square
      * horner(
        square,
        [
          1.58962301576546568060e-10, -2.50507477628578072866e-8, 2.75573136213857245213e-6,
          -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1,
        ])
  }

  private static func cosineSeries(_ x: Double) -> Double {
    let square = x * x
    return 1.0 - 0.5 * square + square * square
      * horner(
        square,
        [
          -1.13585365213876817300e-11, 2.08757008419747316778e-9, -2.75573141792967388112e-7,
          2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2,
        ])
  }

  /// The eighth of the circle a positive number falls into, made even, and how far it is from its start.
  private static func reduced(_ x: Double) -> (octant: Int, rest: Double) {
    if x >= 0x1p29 { return reducedExactly(x) }
    var octant = Int(x * 1.27323954473516268615)
    if octant & 1 == 1 { octant += 1 }
    let y = Double(octant)
    // A quarter of pi in three parts, of which the first two have room for the product.
    let rest = ((x - y * 7.85398125648498535156e-1) - y * 3.77489470793079817668e-8) - y * 2.69515142907905952645e-15
    return (octant & 7, rest)
  }

  /// After Payne and Hanek: the number times as many digits of 4/pi as matter, in whole numbers.
  private static func reducedExactly(_ x: Double) -> (octant: Int, rest: Double) {
    let exponent = Int(x.bitPattern >> 52 & 0x7ff) - 1023 - 52
    let mantissa = x.bitPattern & 0x000f_ffff_ffff_ffff | 1 << 52
    let (digit, shift) = (exponent + 61).quotientAndRemainder(dividingBy: 64)
    func word(_ place: Int) -> UInt64 {
      fourOverPi[place] << UInt64(shift) | fourOverPi[place + 1] >> UInt64(64 - shift)
    }
    let third = word(digit + 2).multipliedFullWidth(by: mantissa).high
    let second = word(digit + 1).multipliedFullWidth(by: mantissa)
    let (low, carries) = second.low.addingReportingOverflow(third)
    var high = word(digit) &* mantissa &+ second.high &+ (carries ? 1 : 0)
    var octant = Int(high >> 61)
    high = high << 3 | low >> 61
    let zeros = UInt64(high.leadingZeroBitCount)
    high = high << (zeros + 1) | low >> (64 - (zeros + 1))
    var rest = Double(bitPattern: high >> 12 | (1023 - (zeros + 1)) << 52)
    if octant & 1 == 1 {
      octant = (octant + 1) & 7
      rest -= 1
    }
    return (octant, rest * quarterPi)
  }

  /// The binary digits of 4/pi, 64 a word.
  private static let fourOverPi: [UInt64] = [
    0x0000_0000_0000_0001, 0x45f3_06dc_9c88_2a53, 0xf84e_afa3_ea69_bb81, 0xb6c5_2b32_7887_2083, 0xfca2_c757_bd77_8ac3,
    0x6e48_dc74_849b_a5c0, 0x0c92_5dd4_13a3_2439, 0xfc3b_d639_6253_4e7d, 0xd104_6bea_5d76_8909, 0xd338_e04d_68be_fc82,
    0x7323_ac73_06a6_73e9, 0x3908_bf17_7bf2_5076, 0x3ff1_2fff_bc0b_301f, 0xde5e_2316_b414_da3e, 0xda6c_fd9e_4f96_136e,
    0x9e8c_7ecd_3cbf_d45a, 0xea4f_758f_d7cb_e2f6, 0x7a0e_73ef_14a5_25d4, 0xd7f6_bf62_3f1a_ba10, 0xac06_608d_f8f6_d757,
  ]

  // MARK: Inverses

  package static func asin(_ x: Double) -> Double {
    if x == 0 { return x }
    let size = x < 0 ? -x : x
    if size > 1 || x.isNaN { return .nan }
    let other = (1 - size * size).squareRoot()
    let value = size > 0.7 ? halfPi - positiveArcTangent(other / size) : positiveArcTangent(size / other)
    return x < 0 ? -value : value
  }

  package static func acos(_ x: Double) -> Double { halfPi - asin(x) }

  package static func atan(_ x: Double) -> Double {
    if x == 0 || x.isNaN { return x }
    return x > 0 ? positiveArcTangent(x) : -positiveArcTangent(-x)
  }

  package static func atan2(_ y: Double, _ x: Double) -> Double {
    if y.isNaN || x.isNaN { return .nan }
    func signed(_ angle: Double) -> Double { Double(signOf: y, magnitudeOf: angle) }
    if y == 0 { return signed(x.sign == .plus ? 0 : .pi) }
    if x == 0 { return signed(halfPi) }
    if x.isInfinite {
      if x > 0 { return signed(y.isInfinite ? quarterPi : 0) }
      return signed(y.isInfinite ? 3 * Double.pi / 4 : .pi)
    }
    if y.isInfinite { return signed(halfPi) }
    let angle = atan(y / x)
    if x > 0 { return angle }
    return angle <= 0 ? angle + .pi : angle - .pi
  }

  /// Brings the number into 0...0.66.
  private static func positiveArcTangent(_ x: Double) -> Double {
    // What half of pi has beyond its float.
    let more = 6.123233995736765886130e-17
    if x <= 0.66 { return arcTangentSeries(x) }
    if x > 2.41421356237309504880 { return halfPi - arcTangentSeries(1 / x) + more }
    return quarterPi + arcTangentSeries((x - 1) / (x + 1)) + 0.5 * more
  }

  private static func arcTangentSeries(_ x: Double) -> Double {
    let z = x * x
    let above = horner(
      z,
      [
        -8.750608600031904122785e-01, -1.615753718733365076637e+01, -7.500855792314704667340e+01,
        -1.228866684490136173410e+02, -6.485021904942025371773e+01,
      ])
    let below = horner(
      z,
      [
        1, 2.485846490142306297962e+01, 1.650270098316988542046e+02, 4.328810604912902668951e+02,
        4.853903996359136964868e+02, 1.945506571482613964425e+02,
      ])
    return x * (z * above / below) + x
  }
}
