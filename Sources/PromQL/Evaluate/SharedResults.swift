import Model

// Parts of a query that stand in it more than once are evaluated once: `rate(a[5m]) / sum(rate(a[5m]))`.

/// The results of such parts, kept while the query runs. Owned by its context.
struct SharedResults {
  /// Most values of a part that are kept; a larger one is evaluated anew each time, so that nothing streamed is
  /// gathered.
  static let valuesMax = 1 << 20
  /// Expressions of a query that are compared at all, and bytes of its text: what is compared is kept.
  private static let expressionsMax = 200
  private static let textBytesMax = 64 << 10

  struct Entry {
    var grid: StepGrid
    var series: [ResultSeries]
    /// Samples that evaluating it looked at, which count each time.
    var samples: Int
  }

  /// The number of the part that an expression is, by its place in the text.
  private var places: [PositionRange: Int] = [:]
  private var entries: [Entry?] = []
  /// Selections of the query, where it has several selectors.
  private var selections: [(request: SelectionRequest, selection: any SeriesSelection)]?

  init() {}

  init(finding expression: Expression, textBytes: Int) {
    if textBytes > SharedResults.textBytesMax { return }
    var search = Search()
    search.visit(expression, scope: "", limit: SharedResults.expressionsMax)
    if search.selectorCount > 1 { selections = [] }
    if search.expressionCount > SharedResults.expressionsMax { return }
    places = search.places
    entries = [Entry?](repeating: nil, count: search.partCount)
  }

  func place(of expression: Expression) -> Int? { places.isEmpty ? nil : places[expression.position] }

  subscript(place: Int) -> Entry? {
    get { entries[place] }
    set { entries[place] = newValue }
  }

  /// The series of a request; asks the store only once for equal requests.
  mutating func select(_ request: SelectionRequest, from source: any SeriesSource) throws(QueryError)
    -> any SeriesSelection
  {
    guard let known = selections else { return try source.select(request) }
    if let found = known.first(where: { $0.request == request }) { return found.selection }
    let selection = try source.select(request)
    selections?.append((request, selection))
    return selection
  }

  /// Finds expressions with the same text, the largest ones only: what is inside of them is not evaluated a second time.
  private struct Search {
    var places: [PositionRange: Int] = [:]
    var partCount = 0
    var expressionCount = 0
    var selectorCount = 0
    private var seen: [String: PositionRange] = [:]

    /// `scope` tells the grids of subqueries apart. Returns whether the expression's text says all there is to say.
    mutating func visit(_ expression: Expression, scope: String, limit: Int) {
      expressionCount += 1
      if expressionCount > limit { return }
      if isCandidate(expression) {
        let key = scope + expression.description
        if let first = seen[key] {
          let place = places[first] ?? partCount
          if place == partCount { partCount += 1 }
          places[first] = place
          places[expression.position] = place
          return
        }
        seen[key] = expression.position
      }
      switch expression {
      case .number, .string: break
      case .selector, .matrix: selectorCount += 1
      case .subquery(let node): visit(node.expression, scope: scope + Printer.timeSuffix(node), limit: limit)
      case .call(let node): for argument in node.arguments { visit(argument, scope: scope, limit: limit) }
      case .aggregation(let node):
        visit(node.expression, scope: scope, limit: limit)
        if let parameter = node.parameter { visit(parameter, scope: scope, limit: limit) }
      case .binary(let node):
        visit(node.left, scope: scope, limit: limit)
        visit(node.right, scope: scope, limit: limit)
      case .unary(let node): visit(node.expression, scope: scope, limit: limit)
      case .paren(let node): visit(node.expression, scope: scope, limit: limit)
      }
    }

    private func isCandidate(_ expression: Expression) -> Bool {
      switch expression {
      case .selector, .call, .aggregation, .binary, .unary: expression.kind == .vector && expression.saysAll
      default: false
      }
    }
  }
}

extension Expression {
  /// True if the text says all: histograms whose resets are worked out for what is above them are read in two ways.
  fileprivate var saysAll: Bool {
    switch self {
    case .number, .string: true
    case .selector(let node): !node.detectsResets
    case .matrix(let node): !node.selector.detectsResets
    case .subquery(let node): node.expression.saysAll
    case .call(let node): node.arguments.allSatisfy(\.saysAll)
    case .aggregation(let node): node.expression.saysAll && node.parameter?.saysAll ?? true
    case .binary(let node): node.left.saysAll && node.right.saysAll
    case .unary(let node): node.expression.saysAll
    case .paren(let node): node.expression.saysAll
    }
  }
}

extension Evaluator {
  /// A part of the query that stands in it more than once: evaluated the first time, handed out again after that.
  func streamShared(_ place: Int, _ expression: Expression, _ sink: Sink) throws(QueryError) {
    if let entry = context.shared[place], entry.grid == grid {
      context.samples.add(entry.samples)
      for series in entry.series { try sink(series) }
      return
    }
    var entry: SharedResults.Entry? = SharedResults.Entry(grid: grid, series: [], samples: 0)
    var held = 0
    var bytesHeld = 0
    var counted = 0
    var last = context.samples.total
    try streamOwn(expression) { (series) throws(QueryError) in
      counted += context.samples.total - last
      if entry != nil {
        let bytes = series.byteCount
        if held + grid.count <= SharedResults.valuesMax, context.holdSpare(grid.count, bytes: bytes) {
          held += grid.count
          bytesHeld += bytes
          entry?.series.append(series)
        } else {
          entry = nil
          context.release(held)
          context.budget.release(bytesHeld)
        }
      }
      try sink(series)
      // What the sink counts is not of this part.
      last = context.samples.total
    }
    entry?.samples = counted + context.samples.total - last
    context.shared[place] = entry
  }
}
