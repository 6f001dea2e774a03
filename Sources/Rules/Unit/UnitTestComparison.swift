import Model

/// The differences between expected and found alerts or samples, in words.
enum UnitTestComparison {
  /// Differences that are told of one case.
  static let linesMax = 50

  /// Both in order of their labels.
  static func alerts(_ expected: [ExpectedAlert], _ got: [ExpectedAlert]) -> [String] {
    var lines: [String] = []
    var missing: [ExpectedAlert] = []
    var rest = got
    for alert in expected {
      if let place = rest.firstIndex(of: alert) { rest.remove(at: place) } else { missing.append(alert) }
    }
    for alert in missing {
      // The one with the most labels and annotations in common is the one that was meant.
      guard let place = nearest(alert, rest) else {
        lines.append("missing: an alert \(UnitTestText.labels(alert.labels))")
        continue
      }
      let found = rest.remove(at: place)
      let name = UnitTestText.labels(found.labels)
      lines += differences("label", alert.labels, found.labels).map { "alert \(name): \($0)" }
      lines += differences("annotation", alert.annotations, found.annotations).map { "alert \(name): \($0)" }
    }
    return bounded(lines + rest.map { "unexpected: an alert \(UnitTestText.labels($0.labels))" })
  }

  private static func nearest(_ alert: ExpectedAlert, _ others: [ExpectedAlert]) -> Int? {
    func common(_ one: Labels, _ two: Labels) -> Int { one.pairs.count { two[$0.name] == $0.value } }
    // `alertname` is always the same, so one label in common says nothing.
    let scores = others.map { common(alert.labels, $0.labels) * 1000 + common(alert.annotations, $0.annotations) }
    guard let best = scores.max() else { return nil }
    return best > 1000 || others.count == 1 ? scores.firstIndex(of: best) : nil
  }

  private static func differences(_ kind: String, _ expected: Labels, _ got: Labels) -> [String] {
    let names = Set(expected.pairs.map(\.name) + got.pairs.map(\.name)).sorted()
    return names.compactMap { name in
      switch (expected[name], got[name]) {
      case (let one?, let two?): one == two ? nil : "\(kind) \(name): expected \(quote(one)), got \(quote(two))"
      case (let one?, nil): "\(kind) \(name): expected \(quote(one)), got none"
      case (nil, let two?): "\(kind) \(name): not expected, got \(quote(two))"
      case (nil, nil): nil
      }
    }
  }

  private static func quote(_ text: String) -> String { QuotedText.double(text) }

  static func samples(_ expected: [UnitTestSample], _ got: [UnitTestSample], isFuzzy: Bool) -> [String] {
    var lines: [String] = []
    var rest = got
    for sample in expected {
      guard let place = rest.firstIndex(where: { $0.labels == sample.labels }) else {
        lines.append("missing: \(sample.text)")
        continue
      }
      let found = rest.remove(at: place)
      if sample.isEqual(to: found, isFuzzy: isFuzzy) { continue }
      lines.append(difference(sample, found))
    }
    return bounded(lines + rest.map { "unexpected: \($0.text)" })
  }

  private static func difference(_ expected: UnitTestSample, _ got: UnitTestSample) -> String {
    let name = UnitTestText.labels(expected.labels)
    let text = "\(name): expected \(expected.valueText), got \(got.valueText)"
    guard expected.histogram.isEmpty, got.histogram.isEmpty else { return text }
    if expected.value.isNaN, got.value.isNaN { return text + " (NaN equals nothing: ask whether it is one, x != x)" }
    // A value that only rounding keeps apart from the expected one.
    let difference = (expected.value - got.value).magnitude
    if difference <= expected.value.magnitude * 1e-12 {
      return text + " (they differ by rounding: fuzzy_compare allows for the last bit, round() for more)"
    }
    return text
  }

  private static func bounded(_ lines: [String]) -> [String] {
    lines.count <= linesMax ? lines : lines.prefix(linesMax) + ["and \(lines.count - linesMax) more"]
  }

  /// Lines that are compared at most; a comparison takes time with their square.
  static let diffLinesMax = 4000

  /// One line for each label, annotation or sample, `-` where it is expected only, `+` where it was found only; none where
  /// there are too many.
  static func diff(_ expected: [String], _ got: [String]) -> [String] {
    if expected.count + got.count > diffLinesMax { return [] }
    var lines: [String] = []
    let changes = got.difference(from: expected)
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in changes {
      switch change {
      case .remove(let place, _, _): removed.insert(place)
      case .insert(let place, _, _): inserted.insert(place)
      }
    }
    var (one, two) = (0, 0)
    while one < expected.count || two < got.count {
      if one < expected.count, removed.contains(one) {
        lines.append("- " + expected[one])
        one += 1
      } else if two < got.count, inserted.contains(two) {
        lines.append("+ " + got[two])
        two += 1
      } else {
        lines.append("  " + expected[one])
        (one, two) = (one + 1, two + 1)
      }
    }
    return lines
  }

  static func lines(_ alerts: [ExpectedAlert]) -> [String] {
    alerts.flatMap { alert in
      ["alert"] + alert.labels.pairs.map { "  label \($0.name): \(quote($0.value))" }
        + alert.annotations.pairs.map { "  annotation \($0.name): \(quote($0.value))" }
    }
  }
}
