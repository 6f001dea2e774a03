// Columns of floats into a group, without a look at bounds.

extension GroupAccumulator {
  /// A column of floats only, step by step without a question about anything else.
  mutating func addFloats(_ column: StepColumn) {
    let known = hasFloat
    hasFloat.formUnion(column.present)
    seen.formUnion(column.present)
    // Sums that have become infinite; they go on as running means.
    var overflows: [Int] = []
    let op = op
    unsafe values.withUnsafeMutableBufferPointer { values in
      unsafe second.withUnsafeMutableBufferPointer { second in
        unsafe counts.withUnsafeMutableBufferPointer { counts in
          switch op {
          case .sum:
            column.forEachFloat(known) { step, value, isFirst in
              if isFirst {
                unsafe values[step] = value
              } else {
                unsafe (values[step], second[step]) = unsafe GroupAccumulator.increase(
                  values[step], second[step], by: value)
              }
            }
          case .avg:
            column.forEachFloat(known) { step, value, isFirst in
              if isFirst {
                unsafe values[step] = value
                unsafe counts[step] = 1
                return
              }
              let (sum, lost) = unsafe GroupAccumulator.increase(values[step], second[step], by: value)
              if sum.isInfinite { return overflows.append(step) }
              unsafe values[step] = sum
              unsafe second[step] = lost
              unsafe counts[step] += 1
            }
          case .min:
            column.forEachFloat(known) { step, value, isFirst in
              if unsafe isFirst || values[step] > value || values[step].isNaN { unsafe values[step] = value }
            }
          case .max:
            column.forEachFloat(known) { step, value, isFirst in
              if unsafe isFirst || values[step] < value || values[step].isNaN { unsafe values[step] = value }
            }
          case .count: column.forEachFloat(known) { step, _, _ in unsafe counts[step] += 1 }
          case .group: column.forEachFloat(known) { step, _, _ in unsafe values[step] = 1 }
          case .stddev, .stdvar:
            column.forEachFloat(known) { step, value, isFirst in
              unsafe counts[step] += 1
              if isFirst {
                unsafe second[step] = value
                unsafe values[step] = value.isFinite ? 0 : .nan
              } else {
                let delta = unsafe value - second[step]
                unsafe second[step] += delta / counts[step]
                unsafe values[step] += delta * (value - second[step])
              }
            }
          default: break
          }
        }
      }
    }
    if overflows.isEmpty { return }
    means = [RunningMean?](repeating: nil, count: values.count)
    growth += values.count * MemoryLayout<RunningMean?>.stride
    known.forEach { step in
      means[step] = RunningMean(sum: values[step], compensation: second[step], count: counts[step])
    }
    column.present.forEach { step in
      if !known.contains(step) {
        means[step] = RunningMean(column.floats[step])
      } else if overflows.contains(step) {
        means[step]?.add(column.floats[step])
      }
    }
  }
}
