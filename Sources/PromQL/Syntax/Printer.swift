import Model

// Trees back to text, in the one form Prometheus prints; the text parses to the same tree.

extension Expression: CustomStringConvertible {
  package var description: String {
    switch self {
    case .number(let node): Printer.number(node)
    case .string(let node):
      node.invalidBytes.isEmpty ? QuotedText.double(node.value) : QuotedText.double(node.invalidBytes[...])
    case .selector(let node): Printer.selector(node)
    case .matrix(let node): Printer.matrix(node)
    case .subquery(let node): node.expression.description + Printer.timeSuffix(node)
    case .call(let node): node.function.name + "(" + Printer.list(node.arguments) + ")"
    case .aggregation(let node):
      Printer.head(node) + "(" + Printer.list((node.parameter.map { [$0] } ?? []) + [node.expression]) + ")"
    case .binary(let node):
      "\(Printer.left(of: node)) \(Printer.operatorText(node)) \(node.right.description)"
    case .unary(let node): (node.isNegative ? "-" : "+") + node.expression.description
    case .paren(let node): "(" + node.expression.description + ")"
    }
  }
}

enum Printer {
  static func list(_ expressions: [Expression]) -> String {
    expressions.map(\.description).joined(separator: ", ")
  }

  /// A power binds closer than a sign: the plus of an infinity before it would be read as one of its own.
  static func left(of node: BinaryExpression) -> String {
    if case .number(let literal) = node.left, literal.value == .infinity, node.op == .power { return "Inf" }
    return node.left.description
  }

  static func number(_ literal: NumberLiteral) -> String {
    guard literal.isDuration else { return NumberText.decimal(literal.value) }
    let sign = literal.value < 0 ? "-" : ""
    return sign + DurationText.format(QueryDuration.milliseconds(literal.value.magnitude))
  }

  /// An aggregation before its parentheses.
  static func head(_ node: Aggregation) -> String {
    if node.isWithout { return "\(node.op.rawValue) without (\(labels(node.grouping))) " }
    if !node.grouping.isEmpty { return "\(node.op.rawValue) by (\(labels(node.grouping))) " }
    return node.op.rawValue
  }

  static func labels(_ names: [String]) -> String {
    names.map { isPlainName($0) ? $0 : QuotedText.double($0) }.joined(separator: ", ")
  }

  /// True if a label's name needs no quotes.
  static func isPlainName(_ name: String) -> Bool {
    guard let first = name.utf8.first, Rune(value: UInt32(first)).isAlpha else { return false }
    return name.utf8.allSatisfy { Rune(value: UInt32($0)).isAlphaNumeric }
  }

  /// The operator with `bool` and everything about matching.
  static func operatorText(_ node: BinaryExpression) -> String {
    var text = node.op.rawValue + (node.returnsBool ? " bool" : "")
    guard let matching = node.matching else { return text }
    let isGrouped = matching.cardinality == .manyToOne || matching.cardinality == .oneToMany
    if !matching.labels.isEmpty || matching.isOn || isGrouped {
      text += " \(matching.isOn ? "on" : "ignoring") (\(labels(matching.labels)))"
    }
    if isGrouped {
      text += " group_\(matching.cardinality == .manyToOne ? "left" : "right") (\(labels(matching.include)))"
    }
    if let left = matching.fillLeft, left == matching.fillRight { return text + " fill (\(NumberText.general(left)))" }
    if let left = matching.fillLeft { text += " fill_left (\(NumberText.general(left)))" }
    if let right = matching.fillRight { text += " fill_right (\(NumberText.general(right)))" }
    return text
  }

  static func selector(_ node: VectorSelector) -> String {
    bareSelector(node) + at(node.shift) + extended(node) + offset(node.shift)
  }

  static func matrix(_ node: MatrixSelector) -> String {
    let range = duration(node.range, node.rangeExpression)
    let shift = node.selector.shift
    return "\(bareSelector(node.selector))[\(range)]\(extended(node.selector))\(at(shift))\(offset(shift))"
  }

  static func timeSuffix(_ node: Subquery) -> String {
    let step = node.step != 0 || node.stepExpression != nil ? duration(node.step, node.stepExpression) : ""
    return "[\(duration(node.range, node.rangeExpression)):\(step)]\(at(node.shift))\(offset(node.shift))"
  }

  private static func bareSelector(_ node: VectorSelector) -> String {
    let matchers = node.matchers.filter {
      !($0.name == LabelName.metric && $0.kind == .equal && $0.value == node.name && !$0.value.isEmpty)
    }
    // Byte order, as the reference sorts.
    let texts = matchers.map(matcher).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return node.name + (texts.isEmpty ? "" : "{" + texts.joined(separator: ",") + "}")
  }

  static func matcher(_ matcher: Matcher) -> String {
    let name = isPlainName(matcher.name) ? matcher.name : QuotedText.double(matcher.name)
    return name + operatorText(matcher.kind) + QuotedText.double(matcher.value)
  }

  static func operatorText(_ kind: MatchKind) -> String {
    switch kind {
    case .equal: "="
    case .notEqual: "!="
    case .regex: "=~"
    case .notRegex: "!~"
    }
  }

  private static func extended(_ node: VectorSelector) -> String {
    node.isAnchored ? " anchored" : node.isSmoothed ? " smoothed" : ""
  }

  private static func at(_ shift: TimeShift) -> String {
    switch shift.at {
    case .milliseconds(let time): " @ " + NumberText.fixed(Double(time) / 1000, places: 3)
    case .start: " @ start()"
    case .end: " @ end()"
    case nil: ""
    }
  }

  private static func offset(_ shift: TimeShift) -> String {
    if shift.offset == 0, shift.offsetExpression == nil { return "" }
    return " offset " + duration(shift.offset, shift.offsetExpression)
  }

  private static func duration(_ milliseconds: Int64, _ expression: DurationExpression?) -> String {
    expression.map(durationExpression) ?? DurationText.format(milliseconds)
  }

  static func durationExpression(_ expression: DurationExpression) -> String {
    switch expression {
    case .number(let literal): number(literal)
    case .step: "step()"
    case .range: "range()"
    case .negated(let inner, _): "-" + durationExpression(inner)
    case .paren(let inner, _): "(" + durationExpression(inner) + ")"
    case .binary(let op, let left, let right):
      "\(durationExpression(left)) \(op.rawValue) \(durationExpression(right))"
    case .least(let one, let two, _): "min_of(\(durationExpression(one)), \(durationExpression(two)))"
    case .largest(let one, let two, _): "max_of(\(durationExpression(one)), \(durationExpression(two)))"
    }
  }
}
