import Model

/// Settles what depends on the times of the query before it runs: duration expressions become numbers, `@ start()` and
/// `@ end()` become times, `start()`, `end()`, `step()` and `range()` become literals.
struct Resolver {
  /// The farthest time from 1970 that a query may speak of, in milliseconds.
  static let timeMaximum: Int64 = 9_000_000_000_000_000_000

  /// Milliseconds of the whole query, also inside subqueries.
  let start: Int64
  let end: Int64
  let step: Int64
  /// True if something above asks for the count, sum or mean of histograms.
  private var wantsStatistics = false
  /// True if something above needs their buckets.
  private var wantsBuckets = false

  init(start: Int64, end: Int64, step: Int64) {
    self.start = start
    self.end = end
    self.step = step
  }

  private func with(statistics: Bool = false, buckets: Bool = false) -> Resolver {
    var inner = self
    inner.wantsStatistics = wantsStatistics || statistics
    inner.wantsBuckets = wantsBuckets || buckets
    return inner
  }

  func resolve(_ expression: Expression) throws(QueryError) -> Expression {
    switch expression {
    case .number, .string: return expression
    case .selector(var node):
      try resolve(&node)
      return .selector(node)
    case .matrix(var node):
      try resolve(&node.selector)
      if let range = node.rangeExpression {
        node.range = try milliseconds(range, mayBeNegative: false)
        node.rangeExpression = nil
      }
      return .matrix(node)
    case .subquery(var node):
      node.expression = try with(buckets: true).resolve(node.expression)
      try resolve(&node.shift)
      if let step = node.stepExpression {
        node.step = try milliseconds(step, mayBeNegative: false)
        node.stepExpression = nil
      }
      if let range = node.rangeExpression {
        node.range = try milliseconds(range, mayBeNegative: false)
        node.rangeExpression = nil
      }
      return .subquery(node)
    case .call(var node):
      if let literal = contextLiteral(node) { return .number(literal) }
      let name = node.function.name
      let inner = with(
        statistics: ["histogram_count", "histogram_sum", "histogram_avg"].contains(name),
        buckets: ["histogram_quantile", "histogram_quantiles", "histogram_fraction"].contains(name))
      for index in node.arguments.indices {
        node.arguments[index] = try inner.resolve(node.arguments[index].withoutParens)
      }
      return .call(node)
    case .aggregation(var node):
      node.expression = try resolve(node.expression.withoutParens)
      if let parameter = node.parameter { node.parameter = try resolve(parameter.withoutParens) }
      return .aggregation(node)
    case .binary(var node):
      let inner = with(buckets: node.op == .trimUpper || node.op == .trimLower)
      node.left = try inner.resolve(node.left)
      node.right = try inner.resolve(node.right)
      return .binary(node)
    case .unary(var node):
      node.expression = try resolve(node.expression)
      return .unary(node)
    case .paren(var node):
      node.expression = try resolve(node.expression)
      return .paren(node)
    }
  }

  private func contextLiteral(_ call: Call) -> NumberLiteral? {
    let value: Double
    switch call.function.name {
    case "start": value = Double(start) / 1000
    case "end": value = Double(end) / 1000
    case "step": value = Double(step) / 1000
    case "range": value = Double(end - start) / 1000
    default: return nil
    }
    return NumberLiteral(value: value, isDuration: false, position: call.position)
  }

  private func resolve(_ selector: inout VectorSelector) throws(QueryError) {
    try resolve(&selector.shift)
    selector.detectsResets = wantsStatistics && !wantsBuckets
  }

  private func resolve(_ shift: inout TimeShift) throws(QueryError) {
    if let offset = shift.offsetExpression {
      shift.offset = try milliseconds(offset, mayBeNegative: true)
      shift.offsetExpression = nil
    }
    switch shift.at {
    case .start: shift.at = .milliseconds(start)
    case .end: shift.at = .milliseconds(end)
    case .milliseconds(let time):
      // Offsets, ranges and lookbacks reach less far than what is left at both ends.
      shift.at = .milliseconds(max(-Resolver.timeMaximum, min(Resolver.timeMaximum, time)))
    case nil: break
    }
  }

  private func milliseconds(_ duration: DurationExpression, mayBeNegative: Bool) throws(QueryError) -> Int64 {
    let seconds = try seconds(duration)
    let place = "\(duration.position.start):\(duration.position.end)"
    if !seconds.isFinite { throw .execution("\(place): duration is NaN or infinite") }
    if seconds <= 0, !mayBeNegative { throw .execution("\(place): duration must be greater than 0") }
    if QueryDuration.isOutOfRange(seconds) { throw .execution("\(place): duration is out of range") }
    return Int64(seconds * 1000)
  }

  private func seconds(_ duration: DurationExpression) throws(QueryError) -> Double {
    switch duration {
    case .number(let literal): return literal.value
    case .step: return Double(step) / 1000
    case .range: return Double(end - start) / 1000
    case .negated(let inner, _): return -(try seconds(inner))
    case .paren(let inner, _): return try seconds(inner)
    case .least(let one, let two, _): return FloatMath.minimum(try seconds(one), try seconds(two))
    case .largest(let one, let two, _): return FloatMath.maximum(try seconds(one), try seconds(two))
    case .binary(let op, let left, let right):
      let one = try seconds(left)
      let two = try seconds(right)
      let place = "\(duration.position.start):\(duration.position.end)"
      if op == .divide, two == 0 { throw .execution("\(place): division by zero") }
      if op == .modulo, two == 0 { throw .execution("\(place): modulo by zero") }
      return FloatMath.binary(op, one, two)
    }
  }
}

extension Expression {
  /// Functions whose result depends on the step even where their arguments do not.
  private static let stepDependent: Set<String> = [
    "days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year",
    "predict_linear", "time", "timestamp", "start_timestamp",
  ]

  /// True if the value is the same at every step; literals are, selectors pinned by `@` are.
  var isStepInvariant: Bool {
    switch self {
    case .number, .string: return true
    case .selector(let node): return node.shift.at != nil
    case .matrix(let node): return node.selector.shift.at != nil
    case .subquery(let node): return node.shift.at != nil
    case .aggregation(let node): return node.expression.isStepInvariant && node.parameter?.isStepInvariant ?? true
    case .binary(let node): return node.left.isStepInvariant && node.right.isStepInvariant
    case .unary(let node): return node.expression.isStepInvariant
    case .paren(let node): return node.expression.isStepInvariant
    case .call(let node):
      let name = node.function.name
      if name == "timestamp", case .selector(let selector) = node.arguments[0] { return selector.shift.at != nil }
      return !Expression.stepDependent.contains(name) && node.arguments.allSatisfy(\.isStepInvariant)
    }
  }
}
