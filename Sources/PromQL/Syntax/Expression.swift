import Model

// The tree of a query. Values without identity; every node knows where in the text it stands.

/// The kinds of value an expression has.
package enum ValueKind: String, Sendable {
  case scalar, vector, matrix, string

  /// The words of the documentation.
  package var documented: String {
    switch self {
    case .vector: "instant vector"
    case .matrix: "range vector"
    default: rawValue
    }
  }
}

package indirect enum Expression: Sendable {
  case number(NumberLiteral)
  case string(StringLiteral)
  case selector(VectorSelector)
  case matrix(MatrixSelector)
  case subquery(Subquery)
  case call(Call)
  case aggregation(Aggregation)
  case binary(BinaryExpression)
  case unary(UnaryExpression)
  case paren(ParenExpression)
}

package struct NumberLiteral: Sendable {
  package var value: Double
  /// True if the number is written as `5m`; it prints so again.
  package var isDuration: Bool
  package var position: PositionRange
}

package struct StringLiteral: Sendable {
  package var value: String
  /// The bytes themselves where escapes made them something that is not UTF-8; else empty.
  package var invalidBytes: [UInt8] = []
  package var position: PositionRange
}

/// The time a selector or subquery is pinned to by `@`.
package enum AtModifier: Sendable, Hashable {
  case milliseconds(Int64)
  case start
  case end
}

/// The shift of a selector by `offset` and `@`. Milliseconds; an expression field counts where the shift is not a
/// number.
package struct TimeShift: Sendable {
  package var offset: Int64 = 0
  package var offsetExpression: DurationExpression?
  package var at: AtModifier?

  var hasOffset: Bool { offset != 0 || offsetExpression != nil }
}

package struct VectorSelector: Sendable {
  /// The name before the braces, also among the matchers (last); empty without one.
  package var name: String
  package var matchers: [Matcher]
  package var shift = TimeShift()
  package var isAnchored = false
  package var isSmoothed = false
  /// True if the query needs only counts and sums of histograms, so that resets are worked out sample by sample.
  package var detectsResets = false
  package var position: PositionRange
}

package struct MatrixSelector: Sendable {
  package var selector: VectorSelector
  package var range: Int64
  package var rangeExpression: DurationExpression?
  package var position: PositionRange
}

package struct Subquery: Sendable {
  package var expression: Expression
  package var range: Int64
  package var rangeExpression: DurationExpression?
  /// Zero for the default step.
  package var step: Int64
  package var stepExpression: DurationExpression?
  package var shift = TimeShift()
  package var position: PositionRange
}

package struct Call: Sendable {
  package var function: FunctionSignature
  package var arguments: [Expression]
  package var position: PositionRange
}

package struct Aggregation: Sendable {
  package var op: AggregationOperator
  package var expression: Expression
  package var parameter: Expression?
  package var grouping: [String]
  package var isWithout: Bool
  package var position: PositionRange
}

package enum MatchCardinality: String, Sendable {
  case oneToOne = "one-to-one"
  case manyToOne = "many-to-one"
  case oneToMany = "one-to-many"
  case manyToMany = "many-to-many"
}

/// The rule by which the series of both sides of an operator find each other.
package struct VectorMatching: Sendable {
  package var cardinality = MatchCardinality.oneToOne
  package var labels: [String] = []
  package var isOn = false
  package var include: [String] = []
  package var fillLeft: Double?
  package var fillRight: Double?
}

package struct BinaryExpression: Sendable {
  package var op: BinaryOperator
  package var left: Expression { didSet { settleKind() } }
  package var right: Expression { didSet { settleKind() } }
  package var returnsBool: Bool
  /// Nil unless both sides are vectors.
  package var matching: VectorMatching?
  /// A scalar where both sides are scalars, else a vector. Stored, since its readers ask at every level of the tree.
  package private(set) var kind = ValueKind.vector

  init(op: BinaryOperator, left: Expression, right: Expression, returnsBool: Bool, matching: VectorMatching?) {
    self.op = op
    self.left = left
    self.right = right
    self.returnsBool = returnsBool
    self.matching = matching
    settleKind()
  }

  private mutating func settleKind() { kind = left.kind == .scalar && right.kind == .scalar ? .scalar : .vector }

  package var position: PositionRange { .merged(left.position, right.position) }
}

package struct UnaryExpression: Sendable {
  package var isNegative: Bool
  package var expression: Expression
  package var position: PositionRange
}

package struct ParenExpression: Sendable {
  package var expression: Expression
  package var position: PositionRange
}

/// A duration that is computed when the query starts: `[5m * 2]`, `offset step()`.
package indirect enum DurationExpression: Sendable {
  case number(NumberLiteral)
  case step(PositionRange)
  case range(PositionRange)
  case negated(DurationExpression, PositionRange)
  case paren(DurationExpression, PositionRange)
  case binary(BinaryOperator, DurationExpression, DurationExpression)
  case least(DurationExpression, DurationExpression, PositionRange)
  case largest(DurationExpression, DurationExpression, PositionRange)

  package var position: PositionRange {
    switch self {
    case .number(let literal): literal.position
    case .step(let position), .range(let position), .negated(_, let position), .paren(_, let position),
      .least(_, _, let position), .largest(_, _, let position):
      position
    case .binary(_, let left, let right): .merged(left.position, right.position)
    }
  }
}

extension Expression {
  package var position: PositionRange {
    switch self {
    case .number(let node): node.position
    case .string(let node): node.position
    case .selector(let node): node.position
    case .matrix(let node): node.position
    case .subquery(let node): node.position
    case .call(let node): node.position
    case .aggregation(let node): node.position
    case .binary(let node): node.position
    case .unary(let node): node.position
    case .paren(let node): node.position
    }
  }

  package var kind: ValueKind {
    switch self {
    case .number: .scalar
    case .string: .string
    case .selector, .aggregation: .vector
    case .matrix, .subquery: .matrix
    case .call(let node): node.function.result
    case .binary(let node): node.kind
    case .unary(let node): node.expression.kind
    case .paren(let node): node.expression.kind
    }
  }

  /// The direct children, in the order of the text except that an aggregation's parameter comes last.
  package var children: [Expression] {
    switch self {
    case .number, .string, .selector: []
    case .matrix(let node): [.selector(node.selector)]
    case .subquery(let node): [node.expression]
    case .call(let node): node.arguments
    case .aggregation(let node): [node.expression] + (node.parameter.map { [$0] } ?? [])
    case .binary(let node): [node.left, node.right]
    case .unary(let node): [node.expression]
    case .paren(let node): [node.expression]
    }
  }

  /// The expression inside any number of parentheses.
  package var withoutParens: Expression {
    var inner = self
    while case .paren(let node) = inner { inner = node.expression }
    return inner
  }
}
