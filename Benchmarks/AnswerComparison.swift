import TestKit

/// Whether two servers said the same, within a share that is allowed: nobody is fast by being wrong. A plain value.
struct AnswerComparison {
  private let tolerance: Double

  init(_ tolerance: Double) { self.tolerance = tolerance }

  /// What is different; nil where nothing is.
  func difference(_ one: QueryAnswer, _ two: QueryAnswer) -> String? {
    if one.type != two.type { return "\(one.type) and \(two.type)" }
    if tolerance < 1e-7 { return exactDifference(one, two) }
    // Which series are topmost may differ where values are equal or only about the same.
    if one.series.count * 2 < two.series.count || two.series.count * 2 < one.series.count {
      return "\(one.series.count) and \(two.series.count) series"
    }
    let first = mean(one)
    let second = mean(two)
    let distance = (first - second).magnitude / max(first.magnitude, second.magnitude, .leastNormalMagnitude)
    return distance <= tolerance ? nil : "mean values \(first) and \(second)"
  }

  private func exactDifference(_ one: QueryAnswer, _ two: QueryAnswer) -> String? {
    if one.series.count != two.series.count { return "\(one.series.count) and \(two.series.count) series" }
    var others: [[String: String]: [QueryAnswer.Point]] = [:]
    for series in two.series { others[series.labels] = series.points }
    for series in one.series {
      guard let points = others[series.labels] else { return "only one has \(series.labels)" }
      if points.count != series.points.count { return "\(series.points.count) and \(points.count) points" }
      for (mine, theirs) in zip(series.points, points) {
        let size = max(mine.value.magnitude, theirs.value.magnitude)
        let isSame = mine.value == theirs.value || (mine.value - theirs.value).magnitude <= tolerance * size
        if mine.timestampMilliseconds != theirs.timestampMilliseconds || !isSame {
          return "\(series.labels): \(mine) and \(theirs)"
        }
      }
    }
    return nil
  }

  private func mean(_ answer: QueryAnswer) -> Double {
    let values = answer.series.flatMap { $0.points.map(\.value) }.filter(\.isFinite)
    return values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }
}
