import Model

// The exemplars of the series in a protobuf answer.
extension MetricFamilyScanner {
  /// The next exemplar of the series; nil where there are no more. A native histogram takes only those with a time.
  package mutating func nextExemplar() throws(ExpositionError) -> ExpositionScanner.Exemplar? {
    while let range = nextExemplarRange() {
      let exemplar = try ExemplarPart(bytes, range)
      if part == .histogram, exemplar.time == nil { continue }
      exemplarRange = range
      return ExpositionScanner.Exemplar(value: exemplar.value, time: exemplar.time)
    }
    return nil
  }

  private mutating func nextExemplarRange() -> Range<Int>? {
    let index = exemplarIndex
    exemplarIndex += 1
    switch part {
    case .whole: return index == 0 && kind == .counter ? message.counterExemplar : nil
    case .bucket(let place, _): return index == 0 && place < message.buckets.count ? exemplar(of: place) : nil
    case .histogram where message.exemplars.count > 0:
      guard index < message.exemplars.count else { return nil }
      return message.exemplars[index].start..<message.exemplars[index].end
    case .histogram:
      // Without exemplars of its own it has those of its buckets.
      for place in index..<max(message.buckets.count, index) {
        exemplarIndex = place + 1
        if let range = exemplar(of: place) { return range }
      }
      return nil
    case .count, .sum, .quantile: return nil
    }
  }

  private func exemplar(of place: Int) -> Range<Int>? {
    let bucket = message.buckets[place]
    return bucket.exemplarStart < 0 ? nil : bucket.exemplarStart..<bucket.exemplarEnd
  }

  /// Reads the labels of the exemplar told of last.
  package func readExemplarLabels(_ result: inout ExpositionLabels) throws(ExpositionError) {
    try ExemplarPart.readLabels(bytes, exemplarRange, &result)
  }
}
