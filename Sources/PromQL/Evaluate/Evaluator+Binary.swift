import Model

// Operators between scalars, between a vector and a scalar, and the set operators. Vector arithmetic is in +Matching.

extension Evaluator {
  func streamBinary(_ node: BinaryExpression, _ sink: Sink) throws(QueryError) {
    switch (node.left.kind, node.right.kind) {
    case (.scalar, .scalar):
      let left = try scalars(node.left)
      let right = try scalars(node.right)
      var column = StepColumn(constant: 0, count: grid.count)
      for step in 0..<grid.count { column.floats[step] = FloatMath.binary(node.op, left[step], right[step]) }
      try sink(ResultSeries(labels: .empty, column: column))
    case (.vector, .scalar): try streamWithScalar(node, vector: node.left, scalar: node.right, swapped: false, sink)
    case (.scalar, .vector): try streamWithScalar(node, vector: node.right, scalar: node.left, swapped: true, sink)
    default:
      if node.op.isSetOperator { try streamSetOperator(node, sink) } else { try streamMatching(node, sink) }
    }
  }

  private func streamWithScalar(
    _ node: BinaryExpression, vector: Expression, scalar: Expression, swapped: Bool, _ sink: Sink
  ) throws(QueryError) {
    let values = try scalars(scalar)
    let drops = node.op.changesMeaning || node.returnsBool
    let merging = SeriesMerge(self, unique: !drops || vector.hasOneName)
    let element = BinaryElement(node, context)
    try stream(vector) { (input) throws(QueryError) in
      var series = input
      if drops { context.droppingName(&series) }
      if input.column.histograms.isEmpty, !node.op.isComparison, node.op.isFloatArithmetic {
        let floats = input.column.floats
        FloatMath.combine(
          node.op, swapped ? values : floats, swapped ? floats : values, into: &series.column.floats)
      } else {
        let made = Holding(context)
        defer { made.release() }
        for step in 0..<grid.count {
          guard let value = input.column.value(step) else { continue }
          if case .histogram(let histogram) = value { try made.add(bytes: histogram.byteCount) }
          let scalar = StepValue.float(values[step])
          if let result = element.result(value, scalar, swapped: swapped) {
            series.column.set(step, result)
          } else {
            series.column.remove(step)
          }
        }
      }
      try merging.add(series, sink)
    }
    try merging.finish(sink)
  }

  private func streamSetOperator(_ node: BinaryExpression, _ sink: Sink) throws(QueryError) {
    let signature = MatchSignature(node.matching ?? VectorMatching())
    let holding = Holding(context)
    defer { holding.release() }
    let left = try collect(node.left, holding)
    let right = try collect(node.right, holding)
    var present: [Labels: StepSet] = [:]
    let (base, other) = node.op == .or ? (left, right) : (right, left)
    for series in base {
      try context.work(grid.count)
      // The key, and the steps it is there at.
      try holding.add(bytes: series.labels.byteCount + StepSet.byteCount(steps: grid.count))
      present[signature.key(series.labels), default: StepSet(count: grid.count)].formUnion(series.column.present)
    }
    let merging = SeriesMerge(self, unique: node.op != .or)
    if node.op == .or { for series in left { try merging.add(series, sink) } }
    for series in other {
      try context.work(grid.count)
      var result = series
      let matched = present[signature.key(series.labels)] ?? StepSet(count: grid.count)
      if node.op == .and {
        result.column.present.formIntersection(matched)
      } else {
        result.column.present.subtract(matched)
      }
      try merging.add(result, sink)
    }
    try merging.finish(sink)
  }
}

/// The labels that two series must share to be matched.
struct MatchSignature {
  private let names: LabelFilter
  private let isOn: Bool

  init(_ matching: VectorMatching) {
    isOn = matching.isOn
    names = LabelFilter(matching.isOn ? matching.labels : matching.labels + [LabelName.metric])
  }

  func key(_ labels: Labels) -> Labels { isOn ? names.keeping(labels) : names.dropping(labels) }
}

extension BinaryOperator {
  /// True if the result is no longer a sample of the metric, so that its name goes.
  var changesMeaning: Bool {
    switch self {
    case .add, .subtract, .multiply, .divide, .power, .modulo, .arcTangent: true
    default: false
    }
  }

  var isFloatArithmetic: Bool { changesMeaning }
}

/// One operator applied to two values, floats or histograms; what does not go together is noted and gives nothing.
struct BinaryElement {
  private let op: BinaryOperator
  private let returnsBool: Bool
  private let position: PositionRange
  private let context: QueryContext

  init(_ node: BinaryExpression, _ context: QueryContext) {
    op = node.op
    returnsBool = node.returnsBool
    position = node.position
    self.context = context
  }

  /// The result with a scalar. `swapped` where the scalar stands on the left; comparisons keep the vector's value.
  func result(_ vector: StepValue, _ scalar: StepValue, swapped: Bool) -> StepValue? {
    guard let outcome = swapped ? apply(scalar, vector) : apply(vector, scalar) else { return nil }
    if returnsBool { return .float(outcome.keeps ? 1 : 0) }
    if !outcome.keeps { return nil }
    return op.isComparison ? vector : outcome.value
  }

  /// The value, and whether a filter lets it through; nil where the operator does not apply.
  func apply(_ left: StepValue, _ right: StepValue) -> (value: StepValue, keeps: Bool)? {
    switch (left, right) {
    case (.float(let one), .float(let two)):
      if op == .trimLower || op == .trimUpper { return incompatible("float", "float") }
      if op.isComparison { return (left, FloatMath.compare(op, one, two)) }
      return (.float(FloatMath.binary(op, one, two)), true)
    case (.float(let factor), .histogram(let histogram)):
      if op == .multiply { return compacted(histogram.multiplied(by: factor)) }
      return incompatible("float", "histogram")
    case (.histogram(let histogram), .float(let value)):
      switch op {
      case .multiply: return compacted(histogram.multiplied(by: value))
      case .divide: return compacted(histogram.divided(by: value))
      case .trimUpper: return (.histogram(histogram.trimmed(at: value, keepsBelow: true)), true)
      case .trimLower: return (.histogram(histogram.trimmed(at: value, keepsBelow: false)), true)
      default: return incompatible("histogram", "float")
      }
    case (.histogram(let one), .histogram(let two)):
      switch op {
      case .add, .subtract: return combine(one, two)
      case .equal: return (left, one.isEqual(to: two))
      case .notEqual: return (left, !one.isEqual(to: two))
      default: return incompatible("histogram", "histogram")
      }
    }
  }

  private func compacted(_ histogram: Histogram) -> (value: StepValue, keeps: Bool) {
    var result = histogram
    result.compact()
    return (.histogram(result), true)
  }

  private func combine(_ one: Histogram, _ two: Histogram) -> (value: StepValue, keeps: Bool)? {
    var result = one
    let isAddition = op == .add
    guard let notes = isAddition ? result.add(two) : result.subtract(two) else {
      context.annotate(.incompatibleLayouts(op.rawValue, at: position))
      return nil
    }
    let operation = isAddition ? "addition" : "subtraction"
    if notes.resetCollision { context.annotate(.resetCollision(operation, at: position)) }
    if notes.boundsReconciled { context.annotate(.mismatchedBounds(operation, at: position)) }
    if !isAddition { result.hint = .gauge }
    return compacted(result)
  }

  private func incompatible(_ left: String, _ right: String) -> (value: StepValue, keeps: Bool)? {
    context.annotate(.incompatibleTypes(left, op.rawValue, right, at: position))
    return nil
  }
}
