import Model

// The grammar of OpenMetrics, as Prometheus's `OpenMetricsParser` has it.
extension ExpositionScanner {
  private static let missingEnd = "data does not end with # EOF"

  mutating func nextOpenMetrics() throws(ExpositionError) -> Entry {
    entryStart = lexer.at
    beginEntry()
    let token = lexer.openMetricsToken()
    switch token {
    case .endWord:
      if lexer.openMetricsToken() != .end {
        throw ExpositionError(line: line(at: lexer.at), problem: "unexpected data after # EOF")
      }
      return .end
    case .end: throw failure(ExpositionScanner.missingEnd)
    case .help, .type, .unit: return try readOpenMetadata(token)
    case .braceOpen:
      try readOpenLabels(isExemplar: false)
      series = entryStart..<lexer.at
      try readOpenValue(lexer.openMetricsToken())
      return .series
    case .metricName:
      (nameStart, nameEnd) = (entryStart, lexer.at)
      series = entryStart..<lexer.at
      var token = lexer.openMetricsToken()
      if token == .braceOpen {
        try readOpenLabels(isExemplar: false)
        series = entryStart..<lexer.at
        token = lexer.openMetricsToken()
      }
      try readOpenValue(token)
      return .series
    default: throw unexpected("expected a valid start token", token)
    }
  }

  private mutating func readOpenMetadata(_ token: ExpositionToken) throws(ExpositionError) -> Entry {
    try readMetric(token, lexer.openMetricsToken())
    guard lexer.openMetricsToken() == .text else { throw failure("expected text in \(token.rawValue)") }
    // Without the space in front and the line feed at the end.
    text = (lexer.start + 1)..<(lexer.at - 1)
    try checkMetadata(token)
    switch token {
    case .help: return .help
    case .type: return .type
    default: break
    }
    let (metric, unit) = (bytes.part(metric), bytes.part(text))
    if unit.isEmpty { return .unit }
    guard metric.count > unit.count, metric.suffix(unit.count).elementsEqual(unit),
      metric[metric.count - unit.count - 1] == UInt8(ascii: "_")
    else {
      throw failure("unit \(EscapedText.quoted(unit)) not a suffix of metric \(EscapedText.quoted(metric))")
    }
    return .unit
  }

  /// Reads the inside of the braces of a series, or of an exemplar.
  private mutating func readOpenLabels(isExemplar: Bool) throws(ExpositionError) {
    var token = lexer.openMetricsToken()
    while token != .braceClose {
      guard token == .labelName || token == .string else { throw unexpected("expected label name", token) }
      let (start, end, isString) = (lexer.start, lexer.at, token == .string)
      token = lexer.openMetricsToken()
      if isString, token == .comma || token == .braceClose {
        // A string alone is the name of the metric, which an exemplar has not.
        if isExemplar { throw unexpected("expected label name", token) }
        guard nameStart == -1 else { throw failure("metric name already set while parsing: \(read)") }
        (nameStart, nameEnd) = (start + 1, end - 1)
        if token == .braceClose { return }
        token = lexer.openMetricsToken()
        continue
      }
      guard token == .equal else { throw unexpected("expected equal", token) }
      token = lexer.openMetricsToken()
      guard token == .labelValue else { throw unexpected("expected label value", token) }
      try appendLabel(start, end, isString, isExemplar: isExemplar)
      token = lexer.openMetricsToken()
      if token == .comma {
        token = lexer.openMetricsToken()
      } else if token != .braceClose {
        throw unexpected("expected comma or brace close", token)
      }
    }
  }

  private mutating func readOpenValue(_ token: ExpositionToken) throws(ExpositionError) {
    guard nameStart != -1 else { throw failure("metric name not set while parsing: \(read)") }
    value = try openNumber(token, behind: "metric")
    var token = lexer.openMetricsToken()
    if token == .timestamp {
      time = try openTime("timestamp")
      token = lexer.openMetricsToken()
      guard token == .linebreak || token == .comment else {
        throw unexpected("expected next entry after timestamp", token)
      }
    }
    switch token {
    case .end: throw failure(ExpositionScanner.missingEnd)
    case .comment: try readExemplar()
    // Prometheus takes a sample with something else behind its value, and stumbles over that as the next entry.
    default: break
    }
  }

  private mutating func readExemplar() throws(ExpositionError) {
    try readOpenLabels(isExemplar: true)
    var found = Exemplar(value: try openNumber(lexer.openMetricsToken(), behind: "exemplar labels"))
    var token = lexer.openMetricsToken()
    if token == .timestamp {
      found.time = try openTime("exemplar timestamp")
      token = lexer.openMetricsToken()
      guard token == .linebreak else { throw unexpected("expected next entry after exemplar timestamp", token) }
    }
    if token == .end { throw failure(ExpositionScanner.missingEnd) }
    guard token == .linebreak else { throw unexpected("expected timestamp or comment", token) }
    exemplar = found
  }

  private mutating func openNumber(_ token: ExpositionToken, behind place: String) throws(ExpositionError) -> Double {
    guard token == .value else { throw unexpected("expected value after \(place)", token) }
    return try number(lexer.start + 1, lexer.at)
  }

  /// Seconds, as milliseconds cut towards zero; beyond 64 bits the least number, as on the machines Prometheus runs on.
  private mutating func openTime(_ name: String) throws(ExpositionError) -> Int64 {
    let seconds = try number(lexer.start + 1, lexer.at)
    guard seconds.isFinite else {
      throw failure("invalid \(name) \(seconds.isNaN ? "NaN" : seconds < 0 ? "-Inf" : "+Inf")")
    }
    return Int64(exactly: (seconds * 1000).rounded(.towardZero)) ?? .min
  }
}
