import Model

// label_replace and label_join.

extension Evaluator {
  func streamLabelReplace(_ node: Call, _ sink: Sink) throws(QueryError) {
    let texts = node.arguments.dropFirst().compactMap(\.stringValue)
    guard texts.count == 4 else { throw .execution("label_replace() needs four strings") }
    let (target, replacement, source, pattern) = (texts[0], texts[1], texts[2], texts[3])
    let regex: RegexProgram
    do throws(RegexError) {
      regex = try RegexProgram(pattern)
    } catch {
      throw .execution("invalid regular expression in label_replace(): \(pattern)")
    }
    try checkName(node.arguments[1], "destination", in: "label_replace")
    let template = ReplacementTemplate(replacement, groupCount: regex.groupCount) { regex.group(named: $0) }
    try relabel(node.arguments[0], target: target, sink) { labels, room throws(QueryError) in
      guard let groups = regex.groups(in: labels, source) else { return nil }
      let count = template.byteCount(groups)
      try room(count)
      var expanded: [UInt8] = []
      expanded.reserveCapacity(count)
      template.expand(labels, source, groups, into: &expanded)
      return expanded
    }
  }

  func streamLabelJoin(_ node: Call, _ sink: Sink) throws(QueryError) {
    let texts = node.arguments.dropFirst().compactMap(\.stringValue)
    guard texts.count >= 2 else { throw .execution("label_join() needs strings") }
    let target = texts[0]
    let separator = Array(texts[1].utf8)
    let sources = Array(texts.dropFirst(2))
    for argument in node.arguments.dropFirst(3) { try checkName(argument, "source", in: "label_join") }
    try checkName(node.arguments[1], "destination", in: "label_join")
    try relabel(node.arguments[0], target: target, sink) { labels, room throws(QueryError) in
      try context.work(sources.count)
      var count = separator.count * max(0, sources.count - 1)
      for source in sources { count += labels.byteCount(of: source) }
      try room(count)
      var joined: [UInt8] = []
      joined.reserveCapacity(count)
      for (place, source) in sources.enumerated() {
        if place > 0 { joined += separator }
        labels.appendValue(of: source, to: &joined)
      }
      return joined
    }
  }

  private func checkName(_ argument: Expression, _ role: String, in function: String) throws(QueryError) {
    guard case .string(let name) = argument.withoutParens, !name.isLabelName else { return }
    throw .execution("invalid \(role) label name in \(function)(): \(name.value)")
  }

  /// Sets a label of each series where `value` gives one, which asks for the room it takes before it makes it. Series that
  /// become the same are put together.
  private func relabel(
    _ argument: Expression, target: String, _ sink: Sink,
    _ value: (Labels, _ room: (Int) throws(QueryError) -> Void) throws(QueryError) -> [UInt8]?
  ) throws(QueryError) {
    let merging = SeriesMerge(self, unique: false)
    let name = Array(target.utf8)
    try stream(argument) { (input) throws(QueryError) in
      var series = input
      let made = Holding(context)
      defer { made.release() }
      // The text, the labels it goes into, and the work of going over it.
      let found = try value(series.labels) { (count) throws(QueryError) in
        try made.add(bytes: count.saturatingMultiply(2).saturatingAdd(series.labels.byteCount))
        try context.work(count / 16)
      }
      if let found {
        series.labels = series.labels.setting(name, found)
        if target == LabelName.metric { series.dropsName = false }
      }
      try merging.add(series)
    }
    try merging.finish(sink)
  }
}

extension StringLiteral {
  /// Labels may have any name of UTF-8 that is not empty.
  var isLabelName: Bool { !value.isEmpty && invalidBytes.isEmpty }
}

/// The order people expect of texts with numbers in them: `a2` before `a10`.
enum NaturalOrder {
  static func precedes(_ one: Labels, _ two: Labels, by names: [String], descending: Bool) -> Bool {
    for name in names {
      let (a, b) = (one[name] ?? "", two[name] ?? "")
      if a.utf8.elementsEqual(b.utf8) { continue }
      return precedes(a, b) != descending
    }
    return descending ? two < one : one < two
  }

  static func precedes(_ one: String, _ two: String) -> Bool {
    var a = one.utf8[...]
    var b = two.utf8[...]
    while !a.isEmpty, !b.isEmpty {
      let x = takeChunk(&a)
      let y = takeChunk(&b)
      if x.elementsEqual(y) { continue }
      if isDigit(x.first), isDigit(y.first), let order = numericOrder(x, y) { return order }
      return x.lexicographicallyPrecedes(y)
    }
    return a.isEmpty && !b.isEmpty
  }

  private static func isDigit(_ byte: UInt8?) -> Bool { byte.map { $0 >= 48 && $0 <= 57 } ?? false }

  /// True if one run of digits is the smaller number; nil where they are the same.
  private static func numericOrder(_ one: Substring.UTF8View, _ two: Substring.UTF8View) -> Bool? {
    guard let one = Double(String(decoding: one, as: UTF8.self)),
      let two = Double(String(decoding: two, as: UTF8.self)),
      one != two
    else { return nil }
    return one < two
  }

  /// Takes a run of digits, or of everything else.
  private static func takeChunk(_ rest: inout Substring.UTF8View) -> Substring.UTF8View {
    let kind = isDigit(rest.first)
    let chunk = rest.prefix { isDigit($0) == kind }
    rest = rest.dropFirst(chunk.count)
    return chunk
  }
}
