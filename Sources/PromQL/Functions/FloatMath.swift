import Glibc
import Model

/// Arithmetic on floats as the language defines it: Go's functions, bit for bit where C's differ.
enum FloatMath {
  static func binary(_ op: BinaryOperator, _ left: Double, _ right: Double) -> Double {
    switch op {
    case .add: left + right
    case .subtract: left - right
    case .multiply: left * right
    case .divide: left / right
    case .power: Elementary.power(left, right)
    case .modulo: fmod(left, right)
    case .arcTangent: Elementary.atan2(left, right)
    case .equal: left == right ? 1 : 0
    case .notEqual: left != right ? 1 : 0
    case .greater: left > right ? 1 : 0
    case .less: left < right ? 1 : 0
    case .greaterOrEqual: left >= right ? 1 : 0
    case .lessOrEqual: left <= right ? 1 : 0
    case .and, .or, .unless, .trimUpper, .trimLower: .nan
    }
  }

  static func compare(_ op: BinaryOperator, _ left: Double, _ right: Double) -> Bool {
    binary(op, left, right) != 0
  }

  /// NaN where either is NaN, unless the other is the infinity that decides.
  static func maximum(_ one: Double, _ two: Double) -> Double {
    if one == .infinity || two == .infinity { return .infinity }
    if one.isNaN || two.isNaN { return .nan }
    if one == 0, two == 0 { return one.sign == .minus ? two : one }
    return one > two ? one : two
  }

  static func minimum(_ one: Double, _ two: Double) -> Double {
    if one == -.infinity || two == -.infinity { return -.infinity }
    if one.isNaN || two.isNaN { return .nan }
    if one == 0, two == 0 { return one.sign == .minus ? one : two }
    return one < two ? one : two
  }

  /// The quantile of values, whose order it changes, by linear interpolation between the neighbours of the rank.
  static func quantile(_ q: Double, _ values: inout [Double]) -> Double {
    if values.isEmpty || q.isNaN { return .nan }
    if q < 0 { return -.infinity }
    if q > 1 { return .infinity }
    let last = Double(values.count - 1)
    let rank = q * last
    let lower = max(0, rank.rounded(.down))
    let upper = min(last, lower + 1)
    let weight = rank - rank.rounded(.down)
    let low = select(Int(lower), &values)
    // Behind its place all are at least as large.
    var high = low
    if upper > lower {
      high = values[Int(upper)]
      for index in Int(upper)..<values.count where isLess(values[index], high) { high = values[index] }
    }
    return low * (1 - weight) + high * weight
  }

  /// NaN comes first.
  @inline(__always)
  static func isLess(_ one: Double, _ two: Double) -> Bool { one < two || (one.isNaN && !two.isNaN) }
}

/// A sum that carries what rounding lost (Neumaier's variant of Kahan's).
struct CompensatedSum {
  var sum: Double
  var compensation = 0.0

  init(_ first: Double = 0) { sum = first }

  @inline(__always)
  mutating func add(_ value: Double) {
    let total = sum + value
    if total.magnitude > Double.greatestFiniteMagnitude {
      compensation = 0
    } else if sum.magnitude >= value.magnitude {
      compensation += (sum - total) + value
    } else {
      compensation += (value - total) + sum
    }
    sum = total
  }

  var total: Double { sum + compensation }
}

/// A mean over values as they come: the compensated sum divided at the end, or once that overflows, a running mean.
struct RunningMean {
  private var total: CompensatedSum
  private(set) var count = 1.0
  private var isIncremental = false

  init(_ first: Double) { total = CompensatedSum(first) }

  /// A mean of `count` values whose sum is known.
  init(sum: Double, compensation: Double, count: Double) {
    total = CompensatedSum(sum)
    total.compensation = compensation
    self.count = count
  }

  @inline(__always)
  mutating func add(_ value: Double) {
    count += 1
    if !isIncremental {
      var next = total
      next.add(value)
      if !next.sum.isInfinite {
        total = next
        return
      }
      isIncremental = true
      total.sum /= count - 1
      total.compensation /= count - 1
    }
    let weight = (count - 1) / count
    total.sum *= weight
    total.compensation *= weight
    total.add(value / count)
  }

  var value: Double {
    isIncremental ? total.sum + total.compensation : total.sum / count + total.compensation / count
  }
}
