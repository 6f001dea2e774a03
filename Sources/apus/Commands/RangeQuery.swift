import Format
import HTTP
import Model
import PromQL

/// Range queries to a server by its HTTP API, this one or Prometheus. A value.
struct RangeQuery: Sendable {
  let server: ServerAccess

  /// The most steps of one request; Prometheus's own limit is 11,000.
  static let stepsMax: Int64 = 10_000
  /// The longest answer in bytes, whose tree takes some ten times as much; fewer steps are asked for where it is longer.
  static let answerBytesMax = 32 << 20
  static let answerValuesMax = 24 << 20

  /// One series of an answer.
  struct Series {
    var labels: Labels
    /// Milliseconds, ascending.
    var samples: [(time: Int64, value: SampleValue)]
  }

  /// The outcome of one request.
  private enum Answer {
    case series([Series])
    /// Too much for one answer.
    case tooLarge
  }

  /// The values of an expression at `start`, `start + step`, ... up to `end`, handed on in parts of so many steps.
  func run(
    _ expression: String, from start: Int64, through end: Int64, step: Int64,
    _ body: (_ first: Int64, _ last: Int64, [Series]) throws(TSDBCommandError) -> Void
  ) throws(TSDBCommandError) {
    var first = start
    var steps = RangeQuery.stepsMax
    while first <= end {
      let last = min(end, first + (steps - 1) * step)
      switch try ask(expression, first, last, step) {
      case .series(let series):
        try body(first, last, series)
        first = last + step
      case .tooLarge:
        if steps == 1 {
          throw .text("the answer for one time has more than \(RangeQuery.answerBytesMax) bytes: \(expression)")
        }
        steps = max(1, steps / 4)
      }
    }
  }

  private func ask(
    _ expression: String, _ first: Int64, _ last: Int64, _ step: Int64
  ) throws(TSDBCommandError) -> Answer {
    let form = [
      ("query", expression), ("start", RangeQuery.seconds(first)), ("end", RangeQuery.seconds(last)),
      ("step", RangeQuery.seconds(step)),
    ]
    guard
      let response = try server.post("/api/v1/query_range", form: form, answerBytesMax: RangeQuery.answerBytesMax)
    else { return .tooLarge }
    guard let document = response.body.lend({ JSONDocument($0, valuesMax: RangeQuery.answerValuesMax) }) else {
      if response.status == 200 { return .tooLarge }
      throw .text("\(server.shownURL) answers \(response.statusText)")
    }
    guard response.status == 200, document["status"]?.text == "success" else {
      throw .text(document["error"]?.text ?? "\(server.shownURL) answers \(response.statusText)")
    }
    guard let data = document["data"], data["resultType"]?.text == "matrix", let result = data["result"] else {
      throw .text("\(server.shownURL) answers with something else than a matrix")
    }
    return .series(result.elements.map(RangeQuery.series))
  }

  private static func series(_ document: JSONDocument) -> Series {
    var pairs: [(name: String, value: String)] = []
    if case .object(let members)? = document["metric"] {
      pairs = members.compactMap { member in member.value.text.map { (member.name, $0) } }
    }
    var samples: [(time: Int64, value: SampleValue)] = []
    for pair in document["values"]?.elements ?? [] {
      guard pair.elements.count == 2, let time = time(pair.elements[0]), let text = pair.elements[1].text,
        let value = number(text)
      else { continue }
      samples.append((time, .float(value)))
    }
    let floats = samples.count
    for pair in document["histograms"]?.elements ?? [] {
      guard let time = pair.elements.first.flatMap({ time($0) }) else { continue }
      samples.append((time, .histogram(Histogram())))
    }
    if samples.count > floats { samples.sort { $0.time < $1.time } }
    return Series(labels: Labels(pairs), samples: samples)
  }

  private static func time(_ document: JSONDocument) -> Int64? {
    guard case .number(let digits) = document, let seconds = Double(digits), seconds.magnitude < 9e12 else {
      return nil
    }
    return Int64((seconds * 1000).rounded())
  }

  private static func number(_ text: String) -> Double? {
    switch text {
    case "NaN": .nan
    case "+Inf", "Inf": .infinity
    case "-Inf": -.infinity
    default: Double(text)
    }
  }

  /// Seconds with as many digits as milliseconds need.
  private static func seconds(_ milliseconds: Int64) -> String {
    let digits = String(milliseconds.magnitude % 1000)
    let sign = milliseconds < 0 ? "-" : ""
    return "\(sign)\(milliseconds.magnitude / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits
  }
}
