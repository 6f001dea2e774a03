import Model

// The grammar of the text format, as Prometheus's `PromParser` has it.
extension ExpositionScanner {
  mutating func nextText() throws(ExpositionError) -> Entry {
    while true {
      entryStart = lexer.at
      beginEntry()
      let token = lexer.textToken()
      switch token {
      case .end: return .end
      case .linebreak: continue
      case .help, .type: return try readMetadata(token)
      case .comment:
        text = lexer.start..<lexer.at
        let end = lexer.textToken()
        guard end == .linebreak else { throw unexpected("linebreak expected after comment", end) }
        return .comment
      case .braceOpen:
        try readTextLabels()
        series = entryStart..<lexer.at
        return try readTextValue(lexer.textToken())
      case .metricName:
        // From the beginning of the line: blanks before the name are part of it.
        (nameStart, nameEnd) = (entryStart, lexer.at)
        series = entryStart..<lexer.at
        var token = lexer.textToken()
        if token == .braceOpen {
          try readTextLabels()
          series = entryStart..<lexer.at
          token = lexer.textToken()
        }
        return try readTextValue(token)
      default: throw unexpected("expected a valid start token", token)
      }
    }
  }

  mutating func beginEntry() {
    (nameStart, nameEnd) = (-1, -1)
    labels.removeAll()
    exemplarLabels.removeAll()
    exemplar = nil
    time = nil
    isParsed = true
  }

  /// The metric behind HELP, TYPE or UNIT.
  mutating func readMetric(_ token: ExpositionToken, _ name: ExpositionToken) throws(ExpositionError) {
    guard name == .metricName else { throw unexpected("expected metric name after \(token.rawValue)", name) }
    let isQuoted =
      bytes[lexer.start] == UInt8(ascii: "\"") && lexer.byte(lexer.at - 1) == UInt8(ascii: "\"")
    metric = isQuoted ? (lexer.start + 1)..<(lexer.at - 1) : lexer.start..<lexer.at
  }

  private mutating func readMetadata(_ token: ExpositionToken) throws(ExpositionError) -> Entry {
    try readMetric(token, lexer.textToken())
    let rest = lexer.textToken()
    guard rest == .text else { throw failure("expected text in \(token.rawValue), got \(rest.rawValue)") }
    // One blank, or whatever stands there, separates name and text.
    text = min(lexer.start + 1, lexer.at)..<lexer.at
    try checkMetadata(token)
    let end = lexer.textToken()
    guard end == .linebreak else { throw unexpected("linebreak expected after metadata", end) }
    return token == .help ? .help : .type
  }

  /// Checks the text of HELP or TYPE.
  mutating func checkMetadata(_ token: ExpositionToken) throws(ExpositionError) {
    let text = bytes.part(text)
    if token == .type {
      guard let kind = MetricFamilyKind(text, format) else {
        throw failure("invalid metric type \(EscapedText.quoted(text))")
      }
      self.kind = kind
    } else if token == .help, !UTF8Text.isValid(text) {
      throw failure("help text \(EscapedText.quoted(text)) is not a valid utf8 string")
    }
  }

  /// Reads the inside of the braces, commas between labels or not.
  private mutating func readTextLabels() throws(ExpositionError) {
    var token = lexer.textToken()
    while token != .braceClose {
      guard token == .labelName || token == .string else { throw unexpected("expected label name", token) }
      let (start, end, isString) = (lexer.start, lexer.at, token == .string)
      token = lexer.textToken()
      if isString, token == .comma || token == .braceClose {
        // A string alone is the name of the metric.
        guard nameStart == -1 else { throw failure("metric name already set while parsing: \(read)") }
        (nameStart, nameEnd) = (start + 1, end - 1)
        if token == .braceClose { return }
        token = lexer.textToken()
        continue
      }
      guard token == .equal else { throw unexpected("expected equal", token) }
      token = lexer.textToken()
      guard token == .labelValue else { throw unexpected("expected label value", token) }
      try appendLabel(start, end, isString, isExemplar: false)
      token = lexer.textToken()
      if token == .comma { token = lexer.textToken() }
    }
  }

  /// Appends a label whose value the lexer has just read.
  mutating func appendLabel(
    _ start: Int, _ end: Int, _ isString: Bool, isExemplar: Bool
  ) throws(ExpositionError) {
    let value = part(lexer.start, lexer.at)
    guard UTF8Text.isValid(value) else { throw failure("invalid UTF-8 label value: \(EscapedText.quoted(value))") }
    let inset = isString ? 1 : 0
    let field = LabelField(
      nameOffset: UInt32(start + inset), nameLength: UInt32(end - start - 2 * inset),
      valueOffset: UInt32(lexer.start + 1), valueLength: UInt32(max(0, lexer.at - lexer.start - 2)))
    if isExemplar { exemplarLabels.append(field) } else { labels.append(field) }
  }

  private mutating func readTextValue(_ token: ExpositionToken) throws(ExpositionError) -> Entry {
    guard nameStart != -1 else { throw failure("metric name not set while parsing: \(read)") }
    guard token == .value else { throw unexpected("expected value after metric", token) }
    value = try number(lexer.start, lexer.at)
    var token = lexer.textToken()
    if token == .linebreak { return .series }
    guard token == .timestamp else { throw unexpected("expected timestamp or new record", token) }
    let digits = part(lexer.start, lexer.at)
    guard let milliseconds = Int64(String(decoding: digits, as: UTF8.self)) else {
      throw numberFailure("ParseInt", digits, "value out of range")
    }
    time = milliseconds
    token = lexer.textToken()
    guard token == .linebreak else { throw unexpected("expected next entry after timestamp", token) }
    return .series
  }
}
