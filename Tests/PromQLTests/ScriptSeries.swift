import Model

@testable import PromQL

/// One point of a series line in a script.
enum ScriptPoint {
  case gap
  case float(Double)
  /// `hasHint` where the script says what the counter reset hint must be.
  case histogram(Histogram, hasHint: Bool)
}

struct ScriptError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A line `metric{labels} POINTS`.
struct ScriptSeries {
  var labels: Labels
  var points: [ScriptPoint]

  init(_ line: String) throws {
    let (labels, rest) = try ScriptSeries.labels(line)
    self.labels = labels
    points = try ScriptSeries.points(String(rest))
  }

  /// The labels at the start of a line, and what follows.
  static func labels(_ line: String) throws -> (Labels, Substring) {
    let text = line.trimmed()
    var end = text.startIndex
    var depth = 0
    var quote: Character?
    var isEscaped = false
    while end < text.endIndex {
      let character = text[end]
      if let open = quote {
        if isEscaped {
          isEscaped = false
        } else if character == "\\", open != "`" {
          isEscaped = true
        } else if character == open {
          quote = nil
        }
      } else if character == "\"" || character == "'" || character == "`" {
        quote = character
      } else if character == "{" {
        // Two braces begin a histogram, which is a value.
        if depth == 0, text[text.index(after: end)...].first == "{" { break }
        depth += 1
      } else if character == "}" {
        depth -= 1
        if depth == 0 {
          end = text.index(after: end)
          break
        }
      } else if depth == 0, character == " " || character == "\t" {
        // The labels may stand apart from the name.
        let next = text[end...].drop { $0 == " " || $0 == "\t" }
        if next.first == "{", next.dropFirst().first != "{" {
          end = next.startIndex
          continue
        }
        break
      } else if depth == 0, character == "@" {
        break
      }
      end = text.index(after: end)
    }
    let head = String(text[..<end])
    if head.isEmpty || head == "{}" { return (.empty, text[end...]) }
    var builder = LabelsBuilder()
    for matcher in try Parser.parseSelector(head) { builder.set(matcher.name, matcher.value) }
    return (builder.labels(), text[end...])
  }

  static func points(_ text: String) throws -> [ScriptPoint] {
    var points: [ScriptPoint] = []
    for item in items(text) { points += try item.hasPrefix("{{") ? histograms(item) : numbers(item) }
    return points
  }

  /// Splits at blanks outside of `{{...}}`.
  static func items(_ text: String) -> [String] {
    var items: [String] = []
    var current = ""
    var depth = 0
    for character in text {
      if character == "{" { depth += 1 }
      if character == "}" { depth -= 1 }
      if depth == 0, character == " " || character == "\t" {
        if !current.isEmpty { items.append(current) }
        current = ""
      } else {
        current.append(character)
      }
    }
    if !current.isEmpty { items.append(current) }
    return items
  }

  private static func numbers(_ item: String) throws -> [ScriptPoint] {
    if item == "stale" { return [.float(StaleMarker.value)] }
    var (body, count) = try repetition(item)
    if body == "_" { return [ScriptPoint](repeating: .gap, count: max(count - 1, 1)) }
    var step = 0.0
    // The sign of a step stands inside, and not after the mark of an exponent.
    let characters = Array(body)
    for index in characters.indices.dropFirst().reversed() where characters[index] == "+" || characters[index] == "-" {
      if characters[index - 1] == "e" || characters[index - 1] == "E" { continue }
      step = try number(String(characters[index...]))
      body = String(characters[..<index])
      break
    }
    let first = try number(body)
    var value = first
    var points: [ScriptPoint] = []
    for _ in 0..<count {
      points.append(.float(value))
      value += step
    }
    return points
  }

  static func number(_ text: String) throws -> Double {
    let isNegative = text.hasPrefix("-")
    let digits = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.dropFirst()) : text
    if let value = NumberText.parse(digits).value { return isNegative ? -value : value }
    if let milliseconds = DurationText.parse(digits) {
      return (isNegative ? -1 : 1) * QueryDuration.seconds(milliseconds)
    }
    throw ScriptError("not a number: \(text)")
  }

  /// `ITEMxN`: what is repeated, and how many points that makes.
  private static func repetition(_ item: String) throws -> (body: String, count: Int) {
    guard let mark = item.lastIndex(of: "x"), let count = Int(item[item.index(after: mark)...]) else {
      return (item, 1)
    }
    return (String(item[..<mark]), count + 1)
  }

  private static func histograms(_ item: String) throws -> [ScriptPoint] {
    guard let close = item.range("}}") else { throw ScriptError("open histogram: \(item)") }
    let (first, hasHint) = try ScriptHistogram.parse(String(item[..<close.upperBound]))
    var rest = item[close.upperBound...]
    var step: Histogram?
    var isNegative = false
    if rest.hasPrefix("+") || rest.hasPrefix("-") {
      isNegative = rest.hasPrefix("-")
      let body = String(rest.dropFirst())
      guard let end = body.range("}}") else { throw ScriptError("open histogram: \(item)") }
      step = try ScriptHistogram.parse(String(body[..<end.upperBound])).0
      rest = body[end.upperBound...]
    }
    guard rest.hasPrefix("x") else { return [.histogram(first, hasHint: hasHint)] }
    guard let count = Int(rest.dropFirst()) else { throw ScriptError("repetition of \(item)") }
    var value = first
    var points: [ScriptPoint] = []
    for _ in 0...count {
      points.append(.histogram(value, hasHint: hasHint))
      guard let step else { continue }
      let hint = value.hint
      _ = isNegative ? value.subtract(step) : value.add(step)
      value.hint = isNegative && hint == .unknown ? .unknown : value.hint
    }
    return points
  }
}

/// `{{schema:1 sum:3 count:22 buckets:[5 10 7]}}`.
enum ScriptHistogram {
  static func parse(_ text: String) throws -> (Histogram, hasHint: Bool) {
    var histogram = Histogram()
    var offset: Int32 = 0
    var negativeOffset: Int32 = 0
    var hasHint = false
    var rest = text.dropFirst(2).dropLast(2)[...]
    rest = rest.drop { $0 == " " || $0 == "\t" }
    while !rest.isEmpty {
      guard let colon = rest.firstIndex(of: ":") else { throw ScriptError("histogram \(text)") }
      let key = rest[..<colon].lowercased()
      rest = rest[rest.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      var values: [Double] = []
      var word = ""
      if rest.first == "[" {
        guard let close = rest.firstIndex(of: "]") else { throw ScriptError("histogram \(text)") }
        let list = rest[rest.index(after: rest.startIndex)..<close]
        values = try list.split { $0 == " " || $0 == "\t" }.map { try ScriptSeries.number(String($0)) }
        rest = rest[rest.index(after: close)...]
      } else {
        word = String(rest.prefix { $0 != " " && $0 != "\t" })
        rest = rest.dropFirst(word.count)
      }
      rest = rest.drop { $0 == " " || $0 == "\t" }
      switch key {
      case "schema": histogram.schema = Int32(try ScriptSeries.number(word))
      case "sum": histogram.sum = try ScriptSeries.number(word)
      case "count": histogram.count = try ScriptSeries.number(word)
      case "z_bucket": histogram.zeroCount = try ScriptSeries.number(word)
      case "z_bucket_w": histogram.zeroThreshold = try ScriptSeries.number(word)
      case "offset": offset = Int32(try ScriptSeries.number(word))
      case "n_offset": negativeOffset = Int32(try ScriptSeries.number(word))
      case "buckets": histogram.positiveBuckets = values
      case "n_buckets": histogram.negativeBuckets = values
      case "custom_values": histogram.customBounds = values
      case "counter_reset_hint":
        hasHint = true
        let hints: [String: CounterResetHint] = [
          "unknown": .unknown, "reset": .reset, "not_reset": .notReset, "gauge": .gauge,
        ]
        guard let hint = hints[word] else { throw ScriptError("hint \(word)") }
        histogram.hint = hint
      default: throw ScriptError("histogram key \(key)")
      }
    }
    if !histogram.positiveBuckets.isEmpty {
      histogram.positiveSpans = [BucketSpan(offset: offset, length: UInt32(histogram.positiveBuckets.count))]
    }
    if !histogram.negativeBuckets.isEmpty {
      histogram.negativeSpans = [BucketSpan(offset: negativeOffset, length: UInt32(histogram.negativeBuckets.count))]
    }
    return (histogram, hasHint)
  }
}

extension String {
  func trimmed() -> String {
    let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    let front = drop(while: blank)
    guard let last = front.lastIndex(where: { !blank($0) }) else { return "" }
    return String(front[...last])
  }

  /// The first place of a text.
  func range(_ text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
