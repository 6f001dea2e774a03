import Model

// Histograms in the notation of series: `{{schema:1 sum:-0.3 count:32.1 z_bucket:7.1 z_bucket_w:0.05 buckets:[5.1 10 7]
// offset:-3 n_buckets:[4.1 5] n_offset:-5 custom_values:[1 2] counter_reset_hint:gauge}}`, read and written.

extension SeriesNotationReader {
  /// One histogram, or its repetition.
  mutating func histograms() throws(ParseError) -> SeriesNotation.Run {
    let start = lexer.position
    let first = try histogram()
    if let count = try repetition(beyondFirst: 1) {
      return SeriesNotation.Run(content: .histogram(first: first, step: nil, sign: 1), count: count)
    }
    let rune = lexer.peek()
    guard rune == Rune("+") || rune == Rune("-") else {
      return SeriesNotation.Run(content: .histogram(first: first, step: nil, sign: 1), count: 1)
    }
    lexer.position += 1
    guard lexer.peek() == Rune("{") else { throw try unexpectedValue() }
    let step = try histogram()
    guard let count = try repetition(beyondFirst: 1) else { throw try unexpectedValue() }
    let position = PositionRange(start, lexer.position)
    for operand in [first, step] where count > 1 && !operand.hasKnownSchema {
      throw failure("error combining histograms: histogram has an invalid schema, \(operand.schema)", at: position)
    }
    if count > 1, first.schema > step.schema {
      throw failure(
        "error combining histograms: cannot merge from schema \(step.schema) to \(first.schema)", at: position)
    }
    if count > 1, first.isCustom != step.isCustom {
      throw failure(
        "cannot apply this operation on histograms with a mix of exponential and custom bucket schemas", at: position)
    }
    return SeriesNotation.Run(
      content: .histogram(first: first, step: step, sign: rune == Rune("-") ? -1 : 1), count: count)
  }

  private mutating func histogram() throws(ParseError) -> Histogram {
    lexer.start = lexer.position
    lexer.position += 1
    guard lexer.accept("{") else {
      throw lexer.failure("unexpected character in series sequence: '{'")
    }
    var parts = HistogramParts()
    var seen: Set<String> = []
    if try closes(afterSpace: true) { return parts.histogram }
    while true {
      let key = try descriptor()
      if !seen.insert(key).inserted {
        throw failure("duplicate key \"\(key)\" in histogram", at: PositionRange(0, 0))
      }
      try read(key, into: &parts)
      if try closes(afterSpace: false) { return parts.histogram }
      guard lexer.peek().isSpace else { throw unexpectedInHistogram() }
      skipSpaces()
      if try closes(afterSpace: false) { return parts.histogram }
    }
  }

  private mutating func skipSpaces() {
    while lexer.peek().isSpace { lexer.position += 1 }
    lexer.start = lexer.position
  }

  /// Moves over `}}` where it stands here.
  private mutating func closes(afterSpace: Bool) throws(ParseError) -> Bool {
    let before = lexer.position
    if afterSpace { skipSpaces() }
    lexer.start = lexer.position
    guard lexer.accept("}") else {
      if lexer.position > before { throw unexpectedInHistogram() }
      return false
    }
    if !lexer.accept("}") { throw lexer.failure("histogram description incomplete unexpected: '}'") }
    return true
  }

  private func unexpectedInHistogram() -> ParseError {
    var lexer = lexer
    lexer.start = lexer.position
    let rune = lexer.next()
    if rune.isAlphaNumeric {
      while lexer.peek().isAlphaNumeric { lexer.position += 1 }
      let text = QuotedText.double(lexer.pendingText)
      return lexer.failure(
        "unexpected \(text) in histogram description, expected histogram description key, e.g. buckets:[5 10 7]")
    }
    return lexer.failure(
      "histogram description incomplete unexpected: \(rune == .end ? "end of input" : QuotedText.single(rune))")
  }

  /// The key in front of a colon; case does not matter.
  private mutating func descriptor() throws(ParseError) -> String {
    guard lexer.peek().isAlpha else { throw unexpectedInHistogram() }
    lexer.start = lexer.position
    while lexer.peek().isAlpha { lexer.position += 1 }
    let word = String(decoding: lexer.pendingText, as: UTF8.self)
    guard HistogramParts.keys.contains(word.lowercased()) else {
      throw lexer.failure("bad histogram descriptor found: \(QuotedText.double(word))")
    }
    guard lexer.accept(":") else { throw lexer.failure("missing `:` for histogram descriptor") }
    return word.lowercased()
  }

  private mutating func read(_ key: String, into parts: inout HistogramParts) throws(ParseError) {
    switch key {
    case "schema": parts.histogram.schema = Int32(truncatingIfNeeded: try signedWholeNumber())
    case "offset": parts.offset = Int32(truncatingIfNeeded: try signedWholeNumber())
    case "n_offset": parts.negativeOffset = Int32(truncatingIfNeeded: try signedWholeNumber())
    case "sum": parts.histogram.sum = try value(isSigned: true)
    case "count": parts.histogram.count = try value(isSigned: true)
    case "z_bucket": parts.histogram.zeroCount = try value(isSigned: true)
    case "z_bucket_w": parts.histogram.zeroThreshold = try value(isSigned: false)
    case "buckets": parts.histogram.positiveBuckets = try values(inBrackets: "buckets")
    case "n_buckets": parts.histogram.negativeBuckets = try values(inBrackets: "buckets")
    case "custom_values": parts.histogram.customBounds = try values(inBrackets: "buckets")
    default: parts.histogram.hint = try hint()
    }
  }

  private mutating func hint() throws(ParseError) -> CounterResetHint {
    lexer.start = lexer.position
    while lexer.peek().isAlpha { lexer.position += 1 }
    let word = String(decoding: lexer.pendingText, as: UTF8.self)
    switch word.lowercased() {
    case "unknown": return .unknown
    case "reset": return .reset
    case "not_reset": return .notReset
    case "gauge": return .gauge
    default:
      if word.isEmpty { throw unexpectedInHistogram() }
      throw lexer.failure("bad histogram descriptor found: \(QuotedText.double(word))")
    }
  }

  private mutating func signedWholeNumber() throws(ParseError) -> Int {
    let isNegative = lexer.accept("-")
    let value = try wholeNumber(most: Int(Int32.max))
    return isNegative ? -value : value
  }

  private mutating func value(isSigned: Bool) throws(ParseError) -> Double {
    let isNegative = isSigned && lexer.accept("-")
    lexer.start = lexer.position
    if lexer.peek().isAlpha {
      while lexer.peek().isAlpha { lexer.position += 1 }
      let word = String(decoding: lexer.pendingText, as: UTF8.self)
      guard let value = SeriesNotationReader.special(word) else {
        throw lexer.failure("bad histogram descriptor found: \(QuotedText.double(word))")
      }
      return isNegative ? -value : value
    }
    guard lexer.peek().isDigit else { throw unexpectedInHistogram() }
    let value = try number()
    return isNegative ? -value : value
  }

  private mutating func values(inBrackets name: String) throws(ParseError) -> [Double] {
    guard lexer.accept("[") else { throw unexpectedInHistogram() }
    var values = [try bucket()]
    while true {
      if lexer.accept("]") { return values }
      guard lexer.peek().isSpace else { throw invalidBucket() }
      skipSpaces()
      if lexer.accept("]") { return values }
      values.append(try bucket())
    }
  }

  private mutating func bucket() throws(ParseError) -> Double {
    if lexer.peek().isAlpha || lexer.peek().isDigit { return try value(isSigned: false) }
    guard lexer.accept("-") else { throw invalidBucket() }
    return -(try number())
  }

  private mutating func invalidBucket() -> ParseError {
    lexer.start = lexer.position
    let rune = lexer.peek()
    return lexer.failure(
      "invalid character in buckets description: \(rune == .end ? "end of input" : QuotedText.single(rune))")
  }
}

/// The parts of a description, before buckets have their places.
private struct HistogramParts {
  static let keys: Set<String> = [
    "sum", "count", "schema", "offset", "n_offset", "buckets", "n_buckets", "z_bucket", "z_bucket_w", "custom_values",
    "counter_reset_hint",
  ]

  var offset: Int32 = 0
  var negativeOffset: Int32 = 0
  private var content = Histogram()

  /// With the spans of its buckets when it is read.
  var histogram: Histogram {
    get {
      var histogram = content
      histogram.positiveSpans = HistogramParts.spans(offset, content.positiveBuckets.count)
      histogram.negativeSpans = HistogramParts.spans(negativeOffset, content.negativeBuckets.count)
      return histogram
    }
    set { content = newValue }
  }

  private static func spans(_ offset: Int32, _ count: Int) -> [BucketSpan] {
    count == 0 ? [] : [BucketSpan(offset: offset, length: UInt32(count))]
  }
}

extension SeriesNotation {
  /// The description of a histogram, as Prometheus prints it for tests: one run of buckets on each side, zeros between.
  /// `bucketsMax`: a histogram with gaps may stand for billions of buckets; nil where it has more.
  package static func text(_ histogram: Histogram, bucketsMax: Int = 1 << 16) -> String? {
    var parts: [String] = []
    func add(_ key: String, _ value: Double) {
      if value != 0 || value.isNaN { parts.append("\(key):\(FloatText.general(value))") }
    }
    if histogram.schema != 0 { parts.append("schema:\(histogram.schema)") }
    add("count", histogram.count)
    add("sum", histogram.sum)
    add("z_bucket", histogram.zeroCount)
    add("z_bucket_w", histogram.zeroThreshold)
    if histogram.isCustom { parts.append("custom_values:\(list(histogram.customBounds))") }
    switch histogram.hint {
    case .unknown: break
    case .reset: parts.append("counter_reset_hint:reset")
    case .notReset: parts.append("counter_reset_hint:not_reset")
    case .gauge: parts.append("counter_reset_hint:gauge")
    }
    for (spans, counts, offsetKey, key) in [
      (histogram.positiveSpans, histogram.positiveBuckets, "offset", "buckets"),
      (histogram.negativeSpans, histogram.negativeBuckets, "n_offset", "n_buckets"),
    ] {
      guard let (first, buckets) = joined(spans, counts, most: bucketsMax) else { return nil }
      if buckets.isEmpty { continue }
      if first != 0 { parts.append("\(offsetKey):\(first)") }
      parts.append("\(key):\(list(buckets))")
    }
    return "{{" + parts.joined(separator: " ") + "}}"
  }

  private static func list(_ values: [Double]) -> String {
    "[" + values.map(FloatText.general).joined(separator: " ") + "]"
  }

  /// The buckets from the first to the last that is not empty, and the index of the first.
  private static func joined(
    _ spans: [BucketSpan], _ counts: [Double], most: Int
  ) -> (first: Int, buckets: [Double])? {
    var buckets: [Double] = []
    var first = 0
    var index = 0
    var rest = counts[...]
    for span in spans {
      index += Int(span.offset)
      for count in rest.prefix(Int(span.length)) {
        defer { index += 1 }
        if count == 0 { continue }
        if buckets.isEmpty { first = index }
        let gap = index - first - buckets.count
        if gap < 0 || buckets.count + gap >= most { return nil }
        buckets.append(contentsOf: repeatElement(0, count: gap))
        buckets.append(count)
      }
      rest = rest.dropFirst(Int(span.length))
    }
    return (first, buckets)
  }
}
