// Arithmetic on many floats at once, without a look at bounds.

extension FloatMath {
  /// Each pair's result, for arithmetic operators.
  static func combine(_ op: BinaryOperator, _ left: [Double], _ right: [Double], into result: inout [Double]) {
    unsafe left.withUnsafeBufferPointer { left in
      unsafe right.withUnsafeBufferPointer { right in
        unsafe result.withUnsafeMutableBufferPointer { result in
          switch op {
          case .add: for index in 0..<result.count { unsafe result[index] = unsafe left[index] + right[index] }
          case .subtract: for index in 0..<result.count { unsafe result[index] = unsafe left[index] - right[index] }
          case .multiply: for index in 0..<result.count { unsafe result[index] = unsafe left[index] * right[index] }
          case .divide: for index in 0..<result.count { unsafe result[index] = unsafe left[index] / right[index] }
          default: for index in 0..<result.count { unsafe result[index] = unsafe binary(op, left[index], right[index]) }
          }
        }
      }
    }
  }

  /// Puts the value that has `place` in sorted order there, no larger ones before and no smaller ones behind it.
  static func select(_ place: Int, _ values: inout [Double]) -> Double {
    unsafe values.withUnsafeMutableBufferPointer { values in
      var low = 0
      var high = values.count - 1
      while low < high {
        // The middle one of three keeps sorted values from being the worst case.
        let middle = (low + high) / 2
        if unsafe isLess(values[middle], values[low]) { unsafe values.swapAt(middle, low) }
        if unsafe isLess(values[high], values[low]) { unsafe values.swapAt(high, low) }
        if unsafe isLess(values[high], values[middle]) { unsafe values.swapAt(high, middle) }
        let pivot = unsafe values[middle]
        var left = low
        var right = high
        while left <= right {
          while unsafe isLess(values[left], pivot) { left += 1 }
          while unsafe isLess(pivot, values[right]) { right -= 1 }
          if left <= right {
            unsafe values.swapAt(left, right)
            left += 1
            right -= 1
          }
        }
        if place <= right {
          high = right
        } else if place >= left {
          low = left
        } else {
          break
        }
      }
      return unsafe values[place]
    }
  }
}
