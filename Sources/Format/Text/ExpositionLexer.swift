import CShims

// The tokens of the two text formats, as Prometheus's lexers cut them: the same tokens, the same places at which a token
// that is none is given up, the same odd ways with zero bytes. What is slow about it matters little: usual lines of known
// series are read by `ExpositionLine`.

/// The formats in which targets answer with text.
package enum ExpositionFormat: Sendable, Hashable {
  /// All versions of `text/plain`.
  case text
  case openMetrics
}

/// A token, by the name that Prometheus's errors have for it.
enum ExpositionToken: String {
  case invalid = "INVALID"
  case end = "EOF"
  case linebreak = "LINEBREAK"
  case blank = "WHITESPACE"
  case help = "HELP"
  case type = "TYPE"
  case unit = "UNIT"
  case endWord = "EOFWORD"
  case text = "TEXT"
  case comment = "COMMENT"
  case metricName = "MNAME"
  case string = "QSTRING"
  case braceOpen = "BOPEN"
  case braceClose = "BCLOSE"
  case labelName = "LNAME"
  case labelValue = "LVALUE"
  case comma = "COMMA"
  case equal = "EQUAL"
  case timestamp = "TIMESTAMP"
  case value = "VALUE"
}

/// A position in exposition text that somebody else owns, with what the lexer expects there. Every step is checked
/// against the end.
struct ExpositionLexer {
  enum State: UInt8 {
    case line, comment, metaName, metaText, labels, labelValue, value, timestamp
    case exemplar, exemplarValue, exemplarTimestamp
  }

  private let base: UnsafePointer<UInt8>?
  /// Bytes that there are; the text format ends with a line feed more.
  private let byteCount: Int
  let count: Int
  /// The first byte of the token.
  var start = 0
  /// Behind the token; of one that is invalid the byte that made it so.
  var at = 0
  var state = State.line

  init(_ bytes: UnsafeRawBufferPointer, _ format: ExpositionFormat) {
    base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    byteCount = bytes.count
    count = bytes.count + (format == .text ? 1 : 0)
  }

  @inline(__always)
  func byte(_ place: Int) -> UInt8 { place < byteCount ? base.unsafelyUnwrapped[place] : lineFeed }

  /// The next byte; zero at the end. Zero bytes inside values and texts are passed over.
  @inline(__always)
  mutating func next() -> UInt8 {
    at += 1
    while true {
      guard at < count else { return 0 }
      let byte = byte(at)
      if byte != 0 { return byte }
      switch state {
      case .labelValue, .metaText, .comment: at += 1
      default: return 0
      }
    }
  }

  /// Passes over bytes that `condition` holds for, behind the one at `at`; returns the first other.
  @inline(__always)
  mutating func nextOther(_ condition: (UInt8) -> Bool) -> UInt8 {
    var byte = next()
    while condition(byte) { byte = next() }
    return byte
  }

  /// A string in double quotes that begins at `at`. False where it does not end.
  mutating func skipString(allowsLinebreak: Bool) -> Bool {
    while true {
      switch next() {
      case Self.quote:
        _ = next()
        return true
      case Self.backslash:
        let escaped = next()
        if escaped == 0 || escaped == lineFeed { return false }
      case 0: return false
      case lineFeed where !allowsLinebreak: return false
      default: break
      }
    }
  }

  /// The place of the next line feed; where there is none, the end of the bytes.
  func lineEnd(_ start: Int) -> Int {
    guard let base else { return byteCount }
    var place = start
    while byteCount - place >= 64 {
      let breaks = apus_mask_equal(base + place, lineFeed)
      if breaks != 0 { return place + breaks.trailingZeroBitCount }
      place += 64
    }
    while place < byteCount, base[place] != lineFeed { place += 1 }
    return place
  }

  mutating func become(_ next: State, _ token: ExpositionToken) -> ExpositionToken {
    state = next
    return token
  }

  /// True if the bytes behind `at` are these; ends at the first that is not.
  mutating func skipWord(_ word: StaticString) -> Bool {
    for place in 0..<word.utf8CodeUnitCount where next() != word.utf8Start[place] { return false }
    return true
  }
}

let lineFeed = UInt8(ascii: "\n")

// MARK: Kinds of bytes

extension ExpositionLexer {
  static let quote = UInt8(ascii: "\"")
  static let backslash = UInt8(ascii: "\\")

  static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  static func opensLabelName(_ byte: UInt8) -> Bool {
    byte >= 0x61 && byte <= 0x7a || byte >= 0x41 && byte <= 0x5a || byte == UInt8(ascii: "_")
  }

  static func isLabelName(_ byte: UInt8) -> Bool { opensLabelName(byte) || isDigit(byte) }
  static func opensMetricName(_ byte: UInt8) -> Bool { opensLabelName(byte) || byte == UInt8(ascii: ":") }
  static func isMetricName(_ byte: UInt8) -> Bool { opensMetricName(byte) || isDigit(byte) }
}

// MARK: The text format

extension ExpositionLexer {
  /// The next token that is no run of blanks.
  mutating func textToken() -> ExpositionToken {
    while true {
      let token = anyTextToken()
      if token != .blank { return token }
    }
  }

  private mutating func anyTextToken() -> ExpositionToken {
    guard at < count else { return .end }
    let byte = byte(at)
    start = at
    if Self.isBlank(byte), state != .metaText {
      _ = nextOther(Self.isBlank)
      return .blank
    }
    switch state {
    case .line: return lineToken(byte)
    case .metaName: return metaNameToken(byte)
    case .metaText: return metaTextToken(byte)
    case .labels: return labelsToken(byte)
    case .labelValue:
      return byte == Self.quote && skipString(allowsLinebreak: true) ? become(.labels, .labelValue) : .invalid
    case .value:
      if byte == UInt8(ascii: "{") {
        _ = next()
        return become(.labels, .braceOpen)
      }
      if byte == 0 || byte == lineFeed { return .invalid }
      _ = nextOther { $0 != 0 && $0 != lineFeed && $0 != UInt8(ascii: "{") && !Self.isBlank($0) }
      return become(.timestamp, .value)
    case .timestamp:
      if byte == lineFeed {
        _ = next()
        return become(.line, .linebreak)
      }
      guard Self.isDigit(byte) else { return .invalid }
      _ = nextOther(Self.isDigit)
      return .timestamp
    case .comment, .exemplar, .exemplarValue, .exemplarTimestamp: return .invalid
    }
  }

  private mutating func lineToken(_ byte: UInt8) -> ExpositionToken {
    switch byte {
    case UInt8(ascii: "#"):
      guard Self.isBlank(next()) else { return skipComment() }
      return commentToken(nextOther(Self.isBlank))
    case lineFeed:
      _ = next()
      return .linebreak
    case 0:
      _ = next()
      return .end
    case UInt8(ascii: "{"):
      _ = next()
      return become(.labels, .braceOpen)
    case _ where Self.opensMetricName(byte):
      _ = nextOther(Self.isMetricName)
      return become(.value, .metricName)
    default: return .invalid
    }
  }

  private mutating func commentToken(_ byte: UInt8) -> ExpositionToken {
    state = .comment
    let isHelp = byte == UInt8(ascii: "H") && skipWord("ELP")
    guard isHelp || byte == UInt8(ascii: "T") && skipWord("YPE"), Self.isBlank(next()) else { return skipComment() }
    _ = nextOther(Self.isBlank)
    return become(.metaName, isHelp ? .help : .type)
  }

  private mutating func skipComment() -> ExpositionToken {
    var byte = at < count ? byte(at) : 0
    // Behind a blank only the first zero byte ends the scan, without one any does.
    if state == .comment, byte != 0 {
      at = lineEnd(at)
      byte = lineFeed
    }
    while byte != lineFeed {
      if byte == 0 { return .end }
      byte = next()
    }
    return become(.line, .comment)
  }

  mutating func metaNameToken(_ byte: UInt8) -> ExpositionToken {
    if byte == Self.quote { return skipString(allowsLinebreak: true) ? become(.metaText, .metricName) : .invalid }
    guard Self.opensMetricName(byte) else { return .invalid }
    _ = nextOther(Self.isMetricName)
    return become(.metaText, .metricName)
  }

  private mutating func metaTextToken(_ first: UInt8) -> ExpositionToken {
    var byte = first
    if Self.isBlank(byte) {
      byte = nextOther(Self.isBlank)
      if byte == 0 || byte == lineFeed { return .blank }
    }
    if byte != 0 { at = lineEnd(at) }
    return become(.line, .text)
  }

  mutating func labelsToken(_ byte: UInt8) -> ExpositionToken {
    switch byte {
    case Self.quote: return skipString(allowsLinebreak: true) ? .string : .invalid
    case UInt8(ascii: ","):
      _ = next()
      return .comma
    case UInt8(ascii: "="):
      _ = next()
      return become(.labelValue, .equal)
    case UInt8(ascii: "}"):
      _ = next()
      return become(.value, .braceClose)
    case _ where Self.opensLabelName(byte):
      _ = nextOther(Self.isLabelName)
      return .labelName
    default: return .invalid
    }
  }
}
