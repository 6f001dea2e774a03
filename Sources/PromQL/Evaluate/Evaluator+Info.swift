import Model

// info(): series get the labels of the info metrics that share their `instance` and `job`.

extension Evaluator {
  func streamInfo(_ node: Call, _ sink: Sink) throws(QueryError) {
    let holding = Holding(context)
    defer { holding.release() }
    let base = try collect(node.arguments[0], holding)
    var join = InfoJoin(node, self, holding)
    try join.select(for: base)
    try join.run(base, sink)
  }
}

private struct InfoJoin {
  static let identifying = LabelFilter(["instance", "job"])

  private let evaluator: Evaluator
  private let holding: Holding
  /// Conditions on the labels to take over; also which ones.
  private let dataMatchers: [Matcher]
  private let nameTests: [MatcherTest]
  private let shift: TimeShift
  /// The series of each info metric, by their identifying labels.
  private var found: [String: [Labels: [Info]]] = [:]
  private var names: [String] = []

  /// One info series: at which steps it has a sample, and when that was taken.
  private struct Info {
    var labels: Labels
    var present: StepSet
    var times: [Int64]
  }

  init(_ node: Call, _ evaluator: Evaluator, _ holding: Holding) {
    self.evaluator = evaluator
    self.holding = holding
    var matchers: [Matcher] = []
    if node.arguments.count > 1, case .selector(let selector) = node.arguments[1] { matchers = selector.matchers }
    dataMatchers = matchers.filter { $0.name != LabelName.metric }
    nameTests = InfoJoin.nameMatchers(matchers.filter { $0.name == LabelName.metric }).map(MatcherTest.init)
    shift = InfoJoin.shift(of: node.arguments[0]) ?? TimeShift()
  }

  /// `target_info` without conditions on the name; with only negative ones, any name that ends in `_info`.
  private static func nameMatchers(_ given: [Matcher]) -> [Matcher] {
    if given.isEmpty { return [Matcher(.equal, LabelName.metric, "target_info")] }
    if given.contains(where: { $0.kind == .equal || $0.kind == .regex }) { return given }
    return [Matcher(.regex, LabelName.metric, ".+_info")] + given
  }

  /// When the info series are looked at: as the first selector is, through the subqueries around it.
  private static func shift(of expression: Expression) -> TimeShift? {
    switch expression {
    case .selector(let node): return node.shift
    case .matrix(let node): return node.selector.shift
    case .subquery(let node):
      guard var inner = shift(of: node.expression) else { return nil }
      if inner.at == nil {
        inner.offset += node.shift.offset
        inner.at = node.shift.at
      }
      return inner
    default:
      for child in expression.children { if let shift = shift(of: child) { return shift } }
      return nil
    }
  }

  private func isInfo(_ series: ResultSeries) -> Bool {
    let name = series.labels.metricText
    return nameTests.allSatisfy { $0.matches(name) }
  }

  mutating func select(for base: [ResultSeries]) throws(QueryError) {
    var values: [String: Set<String>] = [:]
    for series in base where !isInfo(series) {
      for name in ["instance", "job"] {
        guard let value = series.labels[name], !value.isEmpty, !values[name, default: []].contains(value) else {
          continue
        }
        // The value, escaped in the pattern that looks for all of them, and the pattern compiled.
        try holding.add(bytes: 8 * value.utf8.count + 96)
        values[name, default: []].insert(value)
      }
    }
    if values.isEmpty { return }
    var matchers = dataMatchers + nameTests.map(\.matcher)
    for (name, all) in values.sorted(by: { $0.key < $1.key }) {
      let pattern = all.sorted().map(MatcherPattern.literal).joined(separator: "|")
      // It only saves reading others, which find no partner below.
      if pattern.utf8.count <= RegexProgram.patternBytesMax { matchers.append(Matcher(.regex, name, pattern)) }
    }
    var selector = VectorSelector(name: "", matchers: matchers, position: PositionRange(0, 0))
    selector.shift = shift
    let grid = evaluator.grid
    try evaluator.forEachInstant(selector) { (labels, samples, picks) throws(QueryError) in
      var info = Info(
        labels: labels, present: StepSet(count: grid.count), times: [Int64](repeating: 0, count: grid.count))
      for step in 0..<grid.count {
        switch picks(step) {
        case .none: continue
        case .histogram:
          throw .execution("this should be an info metric, with float samples: \(labels.description)")
        case .float(let index):
          info.present.insert(step)
          info.times[step] = samples.timestamps[index]
        }
      }
      if info.present.isEmpty { return }
      try holding.add(
        samples: info.present.count, bytes: 2 * labels.byteCount + 2 * StepColumn.byteCount(steps: grid.count))
      found[labels.metricText, default: [:]][InfoJoin.identifying.keeping(labels), default: []].append(info)
    }
    names = found.keys.sorted()
  }

  mutating func run(_ base: [ResultSeries], _ sink: Evaluator.Sink) throws(QueryError) {
    let merging = SeriesMerge(evaluator, unique: false)
    for series in base {
      if isInfo(series) {
        try merging.add(series)
        continue
      }
      try enrich(series, merging)
    }
    try merging.finish(sink)
  }

  /// A series gets other labels at other steps where info series come and go.
  private func enrich(_ series: ResultSeries, _ merging: SeriesMerge) throws(QueryError) {
    let key = InfoJoin.identifying.keeping(series.labels)
    var parts: [(infos: [Labels], steps: StepSet)] = []
    let taken = Holding(evaluator.context)
    defer { taken.release() }
    let count = evaluator.grid.count
    for step in 0..<count where series.column.present.contains(step) {
      var infos: [Labels] = []
      for name in names {
        if let info = try newest(found[name]?[key] ?? [], step) { infos.append(info) }
      }
      try evaluator.context.work(parts.count + infos.count)
      if let place = parts.firstIndex(where: { $0.infos == infos }) {
        parts[place].steps.insert(step)
      } else {
        try taken.add(bytes: StepSet.byteCount(steps: count) + 64 * infos.count)
        var steps = StepSet(count: count)
        steps.insert(step)
        parts.append((infos, steps))
      }
    }
    for part in parts {
      let size = part.infos.reduce(series.labels.byteCount) { $0 + $1.byteCount }
      try taken.add(bytes: 4 * size)
      guard let labels = try enriched(series.labels, part.infos) else { continue }
      var result = series
      result.labels = labels
      result.column.present.formIntersection(part.steps)
      try merging.add(result)
    }
  }

  /// The info series whose sample is the newest; two of the same time contradict each other.
  private func newest(_ infos: [Info], _ step: Int) throws(QueryError) -> Labels? {
    var best: Info?
    for info in infos where info.present.contains(step) {
      guard let known = best else {
        best = info
        continue
      }
      if known.times[step] == info.times[step] {
        let one = "\(known.labels.description) @ \(known.times[step])"
        let two = "\(info.labels.description) @ \(info.times[step])"
        throw .execution("found duplicate series for info metric: existing \(one), new \(two)")
      }
      if info.times[step] > known.times[step] { best = info }
    }
    return best?.labels
  }

  /// The labels with those of the infos; nil where a condition wants a label that no info gives.
  private func enriched(_ labels: Labels, _ infos: [Labels]) throws(QueryError) -> Labels? {
    if infos.isEmpty {
      return dataMatchers.allSatisfy(MatcherPattern.matchesEmpty) ? labels : nil
    }
    var added: [(name: String, value: String)] = []
    for info in infos {
      for (name, value) in info.pairs where name != LabelName.metric {
        if !dataMatchers.isEmpty, !dataMatchers.contains(where: { $0.name == name }) { continue }
        if let other = added.first(where: { $0.name == name }), other.value != value {
          throw .execution("conflicting label: \(name)")
        }
        if labels[name] != nil { continue }
        added.append((name, value))
      }
    }
    return added.isEmpty ? labels : labels.setting(added)
  }
}
