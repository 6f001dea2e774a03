// The tokens of OpenMetrics.
extension ExpositionLexer {
  mutating func openMetricsToken() -> ExpositionToken {
    guard at < count else { return .end }
    let byte = byte(at)
    start = at
    switch state {
    case .line: return openMetricsLine(byte)
    case .metaName: return metaNameToken(byte)
    case .metaText:
      guard byte == UInt8(ascii: " ") else { return .invalid }
      at = lineEnd(at + 1)
      guard at < count else { return .invalid }
      _ = next()
      return become(.line, .text)
    case .labels: return labelsToken(byte)
    case .labelValue:
      return byte == Self.quote && skipString(allowsLinebreak: false) ? become(.labels, .labelValue) : .invalid
    case .value:
      if byte == UInt8(ascii: "{") {
        _ = next()
        return become(.labels, .braceOpen)
      }
      return skipWordBehindSpace(byte) ? become(.timestamp, .value) : .invalid
    case .timestamp: return openMetricsTimestamp(byte)
    case .exemplar: return exemplarToken(byte)
    case .exemplarValue:
      if byte == Self.quote { return skipString(allowsLinebreak: false) ? become(.exemplar, .labelValue) : .invalid }
      return skipWordBehindSpace(byte) ? become(.exemplarTimestamp, .value) : .invalid
    case .exemplarTimestamp:
      if byte == lineFeed {
        _ = next()
        return become(.line, .linebreak)
      }
      return skipWordBehindSpace(byte) ? .timestamp : .invalid
    case .comment: return .invalid
    }
  }

  private func isWord(_ byte: UInt8) -> Bool { byte != 0 && byte != lineFeed && byte != UInt8(ascii: " ") }

  /// A space and at least one byte that is none.
  private mutating func skipWordBehindSpace(_ byte: UInt8) -> Bool {
    guard byte == UInt8(ascii: " "), isWord(next()) else { return false }
    skipWordRest()
    return true
  }

  private mutating func skipWordRest() {
    var byte = next()
    while isWord(byte) { byte = next() }
  }

  private mutating func openMetricsLine(_ byte: UInt8) -> ExpositionToken {
    if byte == UInt8(ascii: "{") {
      _ = next()
      return become(.labels, .braceOpen)
    }
    if Self.opensMetricName(byte) {
      _ = nextOther(Self.isMetricName)
      return become(.value, .metricName)
    }
    guard byte == UInt8(ascii: "#"), next() == UInt8(ascii: " ") else { return .invalid }
    let word = next()
    state = .comment
    if word == UInt8(ascii: "E") {
      guard skipWord("OF") else { return .invalid }
      if next() == lineFeed { _ = next() }
      return become(.line, .endWord)
    }
    let (rest, token): (StaticString, ExpositionToken)
    switch word {
    case UInt8(ascii: "H"): (rest, token) = ("ELP ", .help)
    case UInt8(ascii: "T"): (rest, token) = ("YPE ", .type)
    case UInt8(ascii: "U"): (rest, token) = ("NIT ", .unit)
    default: return .invalid
    }
    guard skipWord(rest) else { return .invalid }
    _ = next()
    return become(.metaName, token)
  }

  private mutating func openMetricsTimestamp(_ byte: UInt8) -> ExpositionToken {
    if byte == lineFeed {
      _ = next()
      return become(.line, .linebreak)
    }
    guard byte == UInt8(ascii: " ") else { return .invalid }
    let first = next()
    guard isWord(first) else { return .invalid }
    if first != UInt8(ascii: "#") {
      skipWordRest()
      return .timestamp
    }
    let second = next()
    if isWord(second) {
      skipWordRest()
      return .timestamp
    }
    guard second == UInt8(ascii: " ") else { return .timestamp }
    guard next() == UInt8(ascii: "{") else { return .invalid }
    _ = next()
    return become(.exemplar, .comment)
  }

  private mutating func exemplarToken(_ byte: UInt8) -> ExpositionToken {
    switch byte {
    case Self.quote: return skipString(allowsLinebreak: false) ? .string : .invalid
    case UInt8(ascii: "}"):
      _ = next()
      return become(.exemplarValue, .braceClose)
    case UInt8(ascii: "="):
      _ = next()
      return become(.exemplarValue, .equal)
    default: return labelsToken(byte)
    }
  }
}
