import Model

// Arithmetic and comparisons between two vectors: series of both sides find each other by their labels.

extension Evaluator {
  func streamMatching(_ node: BinaryExpression, _ sink: Sink) throws(QueryError) {
    let holding = Holding(context)
    defer { holding.release() }
    let left = try collect(node.left, holding)
    let right = try collect(node.right, holding)
    var join = VectorJoin(node, self, holding)
    try join.run(left: left, right: right)
    try join.finish(sink)
  }
}

/// The join of one operator. The "one" side is held by signature; the "many" side runs over it. Which is which depends on
/// `group_left` and `group_right`; operands keep their places.
private struct VectorJoin {
  private let node: BinaryExpression
  private let matching: VectorMatching
  private let signature: MatchSignature
  private let element: BinaryElement
  private let evaluator: Evaluator
  private let isSwapped: Bool
  private let holding: Holding
  private var places: [Labels: Int] = [:]
  private var results: [ResultSeries] = []
  /// The steps at which a pair has claimed a result, also pairs that a filter dropped.
  private var claimed: [StepSet] = []

  /// The series of the "one" side with one signature.
  private struct One {
    var series: [Int] = []
    /// The steps at which some series of the "many" side met it.
    var matched: StepSet
  }

  init(_ node: BinaryExpression, _ evaluator: Evaluator, _ holding: Holding) {
    self.node = node
    self.holding = holding
    self.evaluator = evaluator
    matching = node.matching ?? VectorMatching()
    signature = MatchSignature(matching)
    element = BinaryElement(node, evaluator.context)
    isSwapped = matching.cardinality == .oneToMany
  }

  private var steps: Int { evaluator.grid.count }
  private var isOneToOne: Bool { matching.cardinality == .oneToOne }

  mutating func run(left: [ResultSeries], right: [ResultSeries]) throws(QueryError) {
    let (many, one) = isSwapped ? (right, left) : (left, right)
    // With `group_right` too, `fill_right` stands in for the "one" side and `fill_left` for the "many".
    let fillForOne = matching.fillRight
    let fillForMany = matching.fillLeft
    var ones: [Labels: One] = [:]
    for (index, series) in one.enumerated() {
      try evaluator.context.work(1)
      try holding.add(bytes: series.labels.byteCount + StepSet.byteCount(steps: steps))
      ones[signature.key(series.labels), default: One(matched: StepSet(count: steps))].series.append(index)
    }
    // Where one side is empty at a step, nothing is matched there, and doubles do not matter.
    var active = StepSet(count: steps, full: fillForOne != nil || fillForMany != nil)
    for series in many {
      try evaluator.context.work(1 + steps / 64)
      active.formUnion(series.column.present)
    }
    try checkUnique(ones, one, at: active)
    for series in many {
      try evaluator.context.checkStop()
      let key = signature.key(series.labels)
      guard var partner = ones[key] else {
        if fillForOne == nil { continue }
        try holding.add(bytes: key.byteCount + StepSet.byteCount(steps: steps))
        ones[key] = One(matched: StepSet(count: steps))
        try join(series, nil, steps: series.column.present, fill: fillForOne, key: key, &ones)
        continue
      }
      var rest = series.column.present
      for index in partner.series {
        try evaluator.context.work(1 + steps / 64)
        var both = series.column.present
        both.formIntersection(one[index].column.present)
        rest.subtract(both)
        try join(series, one[index], steps: both, fill: nil, key: key, &ones)
      }
      partner = ones[key] ?? partner
      if fillForOne != nil, !rest.isEmpty { try join(series, nil, steps: rest, fill: fillForOne, key: key, &ones) }
    }
    guard let fillForMany else { return }
    for series in one {
      try evaluator.context.work(steps)
      let key = signature.key(series.labels)
      var rest = series.column.present
      if let matched = ones[key]?.matched { rest.subtract(matched) }
      if rest.isEmpty { continue }
      let filled = ResultSeries(
        labels: matchLabels(series.labels), column: StepColumn(constant: fillForMany, count: steps))
      try join(filled, series, steps: rest, fill: nil, key: key, &ones)
    }
  }

  /// The labels a filled in series has: those of the match.
  private func matchLabels(_ labels: Labels) -> Labels { signature.key(labels) }

  private func checkUnique(
    _ ones: [Labels: One], _ series: [ResultSeries], at active: StepSet
  ) throws(QueryError) {
    for (key, one) in ones where one.series.count > 1 {
      var seen = StepSet(count: steps)
      for (place, index) in one.series.enumerated() {
        try evaluator.context.work(1 + steps / 64)
        var present = series[index].column.present
        present.formIntersection(active)
        if seen.intersects(present) {
          guard
            let twin = one.series[..<place].first(where: { series[$0].column.present.intersects(present) })
          else { continue }
          let names = [series[index].labels.description, series[twin].labels.description].sorted()
          let side = isSwapped ? "left" : "right"
          throw .execution(
            "found duplicate series for the match group \(key.description) on the \(side) hand-side of the operation: "
              + "[\(names[0]), \(names[1])];many-to-many matching not allowed: matching labels must be unique on one side"
          )
        }
        seen.formUnion(present)
      }
    }
  }

  private mutating func join(
    _ many: ResultSeries, _ one: ResultSeries?, steps shared: StepSet, fill: Double?, key: Labels,
    _ ones: inout [Labels: One]
  ) throws(QueryError) {
    if shared.isEmpty { return }
    let labels = resultLabels(many.labels, one?.labels ?? matchLabels(many.labels))
    let place = try place(of: labels)
    let element = element
    let isSwapped = isSwapped
    var claims = StepSet(count: steps)
    if let one, many.column.histograms.isEmpty, one.column.histograms.isEmpty, node.op.isFloatArithmetic,
      results[place].column.isEmpty
    {
      // Floats on both sides, and nothing there yet: all steps at once, the absent ones too, which nobody looks at.
      let (left, right) = isSwapped ? (one, many) : (many, one)
      FloatMath.combine(
        node.op, left.column.floats, right.column.floats, into: &results[place].column.floats)
      results[place].column.present = shared
      claims = shared
      return try claim(claims, place, key, &ones)
    }
    try shared.forEach { (step) throws(QueryError) in
      guard let mine = many.column.value(step), let theirs = one?.column.value(step) ?? fill.map({ .float($0) })
      else { return }
      guard let outcome = isSwapped ? element.apply(theirs, mine) : element.apply(mine, theirs) else { return }
      if case .histogram(let made) = outcome.value { try holding.add(bytes: made.byteCount) }
      claims.insert(step)
      if node.returnsBool {
        results[place].column.set(step, outcome.keeps ? 1 : 0)
      } else if outcome.keeps {
        results[place].column.set(step, outcome.value)
      }
    }
    try claim(claims, place, key, &ones)
  }

  /// Steps that a pair has a result at; each only once.
  private mutating func claim(
    _ claims: StepSet, _ place: Int, _ key: Labels, _ ones: inout [Labels: One]
  ) throws(QueryError) {
    if isOneToOne, let matched = ones[key]?.matched, matched.intersects(claims) {
      throw .execution(
        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
    }
    if claimed[place].intersects(claims) {
      if isOneToOne { throw .sameLabels }
      throw .execution("multiple matches for labels: grouping labels must ensure unique matches")
    }
    claimed[place].formUnion(claims)
    ones[key]?.matched.formUnion(claims)
  }

  private mutating func place(of labels: Labels) throws(QueryError) -> Int {
    if let place = places[labels] { return place }
    try holding.add(
      samples: steps,
      bytes: labels.byteCount + StepColumn.byteCount(steps: steps) + StepSet.byteCount(steps: steps))
    places[labels] = results.count
    results.append(
      ResultSeries(labels: labels, dropsName: node.returnsBool, column: StepColumn(count: steps)))
    claimed.append(StepSet(count: steps))
    return results.count - 1
  }

  private func resultLabels(_ many: Labels, _ one: Labels) -> Labels {
    var labels = many
    if (node.returnsBool && !evaluator.context.options.delaysNameRemoval) || node.op.changesMeaning {
      labels = LabelFilter.metadata.dropping(labels)
    }
    if isOneToOne {
      let names = LabelFilter(matching.labels)
      labels = matching.isOn ? names.keeping(labels) : names.dropping(labels)
    }
    if matching.include.isEmpty { return labels }
    return labels.setting(matching.include.map { ($0, one[$0] ?? "") })
  }

  mutating func finish(_ sink: Evaluator.Sink) throws(QueryError) {
    for series in results where !series.column.isEmpty { try sink(series) }
  }
}
