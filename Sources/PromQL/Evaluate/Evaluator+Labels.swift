import Model

// label_replace and label_join.

extension Evaluator {
  func streamLabelReplace(_ node: Call, _ sink: Sink) throws(QueryError) {
    let texts = node.arguments.dropFirst().compactMap(\.stringValue)
    guard texts.count == 4 else { throw .execution("label_replace() needs four strings") }
    let (target, replacement, source, pattern) = (texts[0], texts[1], texts[2], texts[3])
    let regex: CapturingRegex
    do throws(CapturingRegex.SyntaxError) {
      regex = try CapturingRegex(pattern)
    } catch {
      throw .execution("invalid regular expression in label_replace(): \(pattern)")
    }
    try checkName(node.arguments[1], "destination", in: "label_replace")
    let template = ReplacementTemplate(replacement, regex)
    try relabel(node.arguments[0], target: target, sink) { labels in
      regex.groups(labels[source] ?? "").map { template.expand($0) }
    }
  }

  func streamLabelJoin(_ node: Call, _ sink: Sink) throws(QueryError) {
    let texts = node.arguments.dropFirst().compactMap(\.stringValue)
    guard texts.count >= 2 else { throw .execution("label_join() needs strings") }
    let (target, separator) = (texts[0], texts[1])
    let sources = Array(texts.dropFirst(2))
    for argument in node.arguments.dropFirst(3) { try checkName(argument, "source", in: "label_join") }
    try checkName(node.arguments[1], "destination", in: "label_join")
    try relabel(node.arguments[0], target: target, sink) { labels in
      sources.map { labels[$0] ?? "" }.joined(separator: separator)
    }
  }

  private func checkName(_ argument: Expression, _ role: String, in function: String) throws(QueryError) {
    guard case .string(let name) = argument.withoutParens, !name.isLabelName else { return }
    throw .execution("invalid \(role) label name in \(function)(): \(name.value)")
  }

  /// Sets a label of each series where `value` gives one. Series that become the same are put together.
  private func relabel(
    _ argument: Expression, target: String, _ sink: Sink, _ value: (Labels) -> String?
  ) throws(QueryError) {
    let merging = SeriesMerge(self, unique: false)
    try stream(argument) { (input) throws(QueryError) in
      var series = input
      if let text = value(series.labels) {
        series.labels = series.labels.setting([(target, text)])
        if target == LabelNames.metricName { series.dropsName = false }
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

/// A replacement like `$1-${name}`, taken apart once. A reference to a group that is not there is empty, `$$` is a dollar.
struct ReplacementTemplate {
  private enum Part {
    case text(String)
    case group(Int)
  }

  private var parts: [Part] = []

  init(_ template: String, _ regex: CapturingRegex) {
    var rest = template.utf8[...]
    var literal: [UInt8] = []
    while let byte = rest.first {
      rest = rest.dropFirst()
      guard byte == UInt8(ascii: "$") else {
        literal.append(byte)
        continue
      }
      if rest.first == UInt8(ascii: "$") {
        literal.append(byte)
        rest = rest.dropFirst()
        continue
      }
      guard let name = ReplacementTemplate.reference(&rest) else {
        literal.append(byte)
        continue
      }
      if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
      literal = []
      let number = name.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } ? Int(name) : regex.group(named: name)
      if let number { parts.append(.group(number)) }
    }
    if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
  }

  /// A name after the dollar: letters, digits and underscores, in braces or as many as follow.
  private static func reference(_ rest: inout Substring.UTF8View) -> String? {
    let isBraced = rest.first == UInt8(ascii: "{")
    let body = isBraced ? rest.dropFirst() : rest
    let name = body.prefix { Rune(value: UInt32($0)).isAlphaNumeric }
    if name.isEmpty { return nil }
    var after = body.dropFirst(name.count)
    if isBraced {
      guard after.first == UInt8(ascii: "}") else { return nil }
      after = after.dropFirst()
    }
    rest = after
    return String(decoding: name, as: UTF8.self)
  }

  func expand(_ groups: [String?]) -> String {
    var text = ""
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .group(let number): if number < groups.count { text += groups[number] ?? "" }
      }
    }
    return text
  }
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
    let a = chunks(one)
    let b = chunks(two)
    for (x, y) in zip(a, b) where x != y {
      if let number = Double(x), let other = Double(y), x.utf8.first != 45, number != other { return number < other }
      return x.utf8.lexicographicallyPrecedes(y.utf8)
    }
    return a.count < b.count
  }

  /// Runs of digits and runs of everything else.
  private static func chunks(_ text: String) -> [String] {
    var result: [String] = []
    var current: [UInt8] = []
    var isNumber = false
    for byte in text.utf8 {
      let isDigit = byte >= 48 && byte <= 57
      if !current.isEmpty, isDigit != isNumber {
        result.append(String(decoding: current, as: UTF8.self))
        current = []
      }
      isNumber = isDigit
      current.append(byte)
    }
    if !current.isEmpty { result.append(String(decoding: current, as: UTF8.self)) }
    return result
  }
}
