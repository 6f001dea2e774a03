import Model

/// The kinds of tokens. Operators, aggregations and keywords carry their spelling as the raw text.
enum TokenKind: Hashable {
  case end, identifier, metricIdentifier, number, duration, string
  case leftParen, rightParen, leftBrace, rightBrace, leftBracket, rightBracket
  case comma, colon, equal, equalRegex, notEqualRegex, at
  case op(BinaryOperator)
  case aggregation(AggregationOperator)
  case keyword(Keyword)
  case preprocessor(Preprocessor)
}

/// The operators between two expressions.
package enum BinaryOperator: String, Sendable, Hashable, CaseIterable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case modulo = "%"
  case power = "^"
  case arcTangent = "atan2"
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case trimUpper = "</"
  case trimLower = ">/"
  case and
  case or
  case unless

  package var isComparison: Bool {
    switch self {
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
    default: false
    }
  }

  package var isSetOperator: Bool { self == .and || self == .or || self == .unless }

  /// Higher binds tighter.
  var precedence: Int {
    switch self {
    case .or: 1
    case .and, .unless: 2
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .trimUpper, .trimLower: 3
    case .add, .subtract: 4
    case .multiply, .divide, .modulo, .arcTangent: 5
    case .power: 6
    }
  }

  var isRightAssociative: Bool { self == .power }
}

/// The operators over groups of series.
package enum AggregationOperator: String, Sendable, Hashable, CaseIterable {
  case sum, avg, count, min, max, group, stddev, stdvar, topk, bottomk, quantile, limitk
  case countValues = "count_values"
  case limitRatio = "limit_ratio"

  package var hasParameter: Bool {
    switch self {
    case .topk, .bottomk, .countValues, .quantile, .limitk, .limitRatio: true
    default: false
    }
  }

  package var isExperimental: Bool { self == .limitk || self == .limitRatio }
}

enum Keyword: String, Hashable, CaseIterable {
  case offset, smoothed, anchored, by, without, on, ignoring, fill, bool
  case groupLeft = "group_left"
  case groupRight = "group_right"
  case fillLeft = "fill_left"
  case fillRight = "fill_right"

  var isFill: Bool { self == .fill || self == .fillLeft || self == .fillRight }
  /// True if the word may also name a metric.
  var canBeMetric: Bool {
    switch self {
    case .on, .ignoring, .bool, .groupLeft, .groupRight: false
    default: true
    }
  }
}

/// Words that take part in `@` and in duration expressions, and are functions elsewhere.
enum Preprocessor: String, Hashable, CaseIterable {
  case start, end, step, range
  case maxOf = "max_of"
  case minOf = "min_of"
}

struct Token {
  var kind: TokenKind
  var position: PositionRange

  private static let words: [String: TokenKind] = {
    var words: [String: TokenKind] = ["inf": .number, "nan": .number]
    for op in [BinaryOperator.and, .or, .unless, .arcTangent] { words[op.rawValue] = .op(op) }
    for op in AggregationOperator.allCases { words[op.rawValue] = .aggregation(op) }
    for keyword in Keyword.allCases { words[keyword.rawValue] = .keyword(keyword) }
    for word in Preprocessor.allCases { words[word.rawValue] = .preprocessor(word) }
    return words
  }()

  /// The kind of a word that is not a plain identifier; case does not matter.
  static func reserved(_ word: String) -> TokenKind? { words[word.lowercased()] }

  /// The words of messages for this token; `text` is its text in the query.
  func description(_ text: ArraySlice<UInt8>) -> String {
    let spelled = String(decoding: text, as: UTF8.self)
    switch kind {
    case .end: return "end of input"
    case .identifier: return "identifier " + QuotedText.double(text)
    case .metricIdentifier: return "metric identifier " + QuotedText.double(text)
    case .number: return "number " + Token.shortened(text)
    case .duration: return "duration " + Token.shortened(text)
    case .string: return "string " + Token.shortened(text)
    case .op: return "<op:\(spelled)>"
    case .equalRegex, .notEqualRegex, .at: return "<op:\(spelled)>"
    case .aggregation: return "<aggr:\(spelled)>"
    case .keyword: return "<\(spelled)>"
    default: return Token.shortened(text)
    }
  }

  private static func shortened(_ text: ArraySlice<UInt8>) -> String {
    if text.count <= 10 { return QuotedText.double(text) }
    let characters = String(decoding: text, as: UTF8.self).unicodeScalars.prefix(10)
    return QuotedText.double(String(String.UnicodeScalarView(characters))) + "..."
  }
}
