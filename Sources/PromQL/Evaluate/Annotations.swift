import Model

/// A warning or note about a query's answer.
struct Annotation {
  enum Level { case warning, info }

  var level: Level
  var message: String
  var position: PositionRange
  /// Forced monotonicity, summed over all places and told once at the end.
  var monotonicity: ForcedMonotonicity?
  var occurrences = 1

  init(_ level: Level, _ message: String, at position: PositionRange) {
    self.level = level
    self.message = (level == .warning ? "PromQL warning: " : "PromQL info: ") + message
    self.position = position
  }
}

/// The raises that made the counts of buckets monotonic, over all steps and series.
struct ForcedMonotonicity {
  var firstTime: Int64
  var lastTime: Int64
  var leastBucket: Double
  var largestBucket: Double
  var largestDifference: Double
  var count = 1

  mutating func merge(_ other: ForcedMonotonicity) {
    firstTime = min(firstTime, other.firstTime)
    lastTime = max(lastTime, other.lastTime)
    leastBucket = min(leastBucket, other.leastBucket)
    largestBucket = max(largestBucket, other.largestBucket)
    largestDifference = max(largestDifference, other.largestDifference)
    count += other.count
  }
}

/// The annotations of one query: each message once, in the order of first sight. Owned by the evaluation.
struct Annotations {
  private var places: [String: Int] = [:]
  private var list: [Annotation] = []

  var isEmpty: Bool { list.isEmpty }

  mutating func absorb(_ other: Annotations) { for annotation in other.list { add(annotation) } }

  mutating func add(_ annotation: Annotation) {
    guard let place = places[annotation.message] else {
      places[annotation.message] = list.count
      return list.append(annotation)
    }
    list[place].occurrences += annotation.occurrences
    if let monotonicity = annotation.monotonicity { list[place].monotonicity?.merge(monotonicity) }
  }

  /// The texts of a level, each with the place of its expression.
  func texts(_ level: Annotation.Level, query: [UInt8]) -> [String] {
    list.filter { $0.level == level }.map { annotation in
      let place = annotation.position.lineAndColumn(in: query)
      var text = annotation.message
      if let bent = annotation.monotonicity {
        let least = NumberText.general(bent.leastBucket)
        let largest = NumberText.general(bent.largestBucket)
        let difference = NumberText.twoDigits(bent.largestDifference)
        text += ", from buckets \(least) to \(largest), with a max diff of \(difference), over \(bent.count) samples"
        text += " from \(CalendarTime(seconds: bent.firstTime / 1000).text)"
        text += " to \(CalendarTime(seconds: bent.lastTime / 1000).text)"
      }
      if annotation.message.hasPrefix(Annotation.startTimeOverlapPrefix), annotation.occurrences > 1 {
        text += " (\(annotation.occurrences) occurrences)"
      }
      return "\(text) (\(place))"
    }
  }
}

extension Annotation {
  private static func quoted(_ name: String) -> String { QuotedText.double(name) }

  /// `text`, and the metric where it is known.
  private static func named(_ text: String, _ metric: String) -> String {
    metric.isEmpty ? text : "\(text) for metric name \(quoted(metric))"
  }

  static func invalidQuantile(_ value: Double, at position: PositionRange) -> Annotation {
    Annotation(
      .warning, "quantile value should be between 0 and 1, got \(NumberText.general(value))", at: position)
  }

  static func invalidRatio(_ value: Double, capped: Double, at position: PositionRange) -> Annotation {
    let values = "got \(NumberText.general(value)), capping to \(NumberText.general(capped))"
    return Annotation(.warning, "ratio value should be between -1 and 1, \(values)", at: position)
  }

  static func badBucketLabel(_ metric: String, _ label: String, at position: PositionRange) -> Annotation {
    let text = "bucket label \"le\" is missing or has a malformed value of \(quoted(label))"
    return Annotation(.warning, named(text, metric), at: position)
  }

  static func mixedFloatsHistograms(_ metric: String, at position: PositionRange) -> Annotation {
    Annotation(
      .warning, "encountered a mix of histograms and floats for metric name \(quoted(metric))", at: position)
  }

  static func mixedInAggregation(at position: PositionRange) -> Annotation {
    Annotation(.warning, "encountered a mix of histograms and floats for aggregation", at: position)
  }

  static func mixedClassicNative(_ metric: String, at position: PositionRange) -> Annotation {
    Annotation(.warning, named("vector contains a mix of classic and native histograms", metric), at: position)
  }

  static func notCounter(_ metric: String, at position: PositionRange) -> Annotation {
    Annotation(.warning, "this native histogram metric is not a counter: \(quoted(metric))", at: position)
  }

  static func notGauge(_ metric: String, at position: PositionRange) -> Annotation {
    Annotation(.warning, "this native histogram metric is not a gauge: \(quoted(metric))", at: position)
  }

  static func mixedSchemas(_ metric: String, at position: PositionRange) -> Annotation {
    let text = "vector contains a mix of histograms with exponential and custom buckets schemas for metric name"
    return Annotation(.warning, "\(text) \(quoted(metric))", at: position)
  }

  static func incompatibleLayouts(_ op: String, at position: PositionRange) -> Annotation {
    Annotation(.warning, "incompatible bucket layout encountered for binary operator \(op)", at: position)
  }

  static func sortInRange(at position: PositionRange) -> Annotation {
    Annotation(
      .warning, "sort is ineffective for range queries since results are always ordered by labels", at: position)
  }

  static func possibleNonCounter(_ metric: String, at position: PositionRange) -> Annotation {
    let text = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket:"
    return Annotation(.info, "\(text) \(quoted(metric))", at: position)
  }

  static func possibleNonCounterType(_ metric: String, _ type: String, at position: PositionRange) -> Annotation {
    let text = "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got"
    return Annotation(.info, "\(text) \(quoted(type)): \(quoted(metric))", at: position)
  }

  static func forcedMonotonicity(_ metric: String, _ bent: ForcedMonotonicity, at position: PositionRange) -> Annotation
  {
    let page = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile"
    let text = "input to histogram_quantile needed to be fixed for monotonicity (see \(page))"
    var annotation = Annotation(.info, named(text, metric), at: position)
    annotation.monotonicity = bent
    return annotation
  }

  static func incompatibleTypes(
    _ left: String, _ op: String, _ right: String, at position: PositionRange
  ) -> Annotation {
    let text = "incompatible sample types encountered for binary operator \(quoted(op)): \(left) \(op) \(right)"
    return Annotation(.info, text, at: position)
  }

  static func histogramIgnored(_ aggregation: String, at position: PositionRange) -> Annotation {
    Annotation(.info, "ignored histogram in \(aggregation) aggregation", at: position)
  }

  static func histogramIgnoredInRange(_ metric: String, at position: PositionRange) -> Annotation {
    let text = "ignored histograms in a range containing both floats and histograms for metric name"
    return Annotation(.info, "\(text) \(quoted(metric))", at: position)
  }

  static func quantileNaNResult(_ metric: String, at position: PositionRange) -> Annotation {
    Annotation(
      .info, named("input to histogram_quantile has NaN observations, result is NaN", metric), at: position)
  }

  static func quantileNaNSkew(_ metric: String, at position: PositionRange) -> Annotation {
    Annotation(
      .info, named("input to histogram_quantile has NaN observations, result is skewed higher", metric), at: position)
  }

  static func fractionNaNs(_ metric: String, at position: PositionRange) -> Annotation {
    let text = "input to histogram_fraction has NaN observations, which are excluded from all fractions"
    return Annotation(.info, named(text, metric), at: position)
  }

  static func resetCollision(_ operation: String, at position: PositionRange) -> Annotation {
    Annotation(.warning, "conflicting counter resets during histogram \(operation)", at: position)
  }

  static func mismatchedBounds(_ operation: String, at position: PositionRange) -> Annotation {
    Annotation(.info, "mismatched custom buckets were reconciled during \(operation)", at: position)
  }

  fileprivate static let startTimeOverlapPrefix =
    "PromQL warning: sample has start time that overlaps with previous sample timestamp"

  static func startTimeOverlap(_ metric: String, at position: PositionRange) -> Annotation {
    let text = "sample has start time that overlaps with previous sample timestamp"
    return Annotation(.warning, "\(text) for metric \(quoted(metric))", at: position)
  }
}
