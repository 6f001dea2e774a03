import Model
import PromQL

/// A function that templates can call. A value.
struct TemplateFunction: Sendable {
  typealias Body = @Sendable (inout TemplateEvaluator, [TemplateValue]) throws(TemplateCallError) -> TemplateValue

  let parameters: TemplateParameters
  /// True if its arguments are evaluated only as far as they are needed.
  let isShortCircuit: Bool
  let body: Body

  init(_ parameters: TemplateParameters, isShortCircuit: Bool = false, _ body: @escaping Body) {
    self.parameters = parameters
    self.isShortCircuit = isShortCircuit
    self.body = body
  }

  /// A function of one text.
  init(text change: @escaping @Sendable ([UInt8]) -> [UInt8]) {
    self.init(TemplateParameters(.text)) { (state, values) throws(TemplateCallError) in
      try state.made(change(values[0].bytes))
    }
  }

  /// A function of one number, which may be written as a text.
  init(number change: @escaping @Sendable (Double) throws(TemplateCallError) -> TemplateValue) {
    self.init(TemplateParameters(.any)) { (_, values) throws(TemplateCallError) in
      try change(try values[0].number())
    }
  }

  /// All functions by name: Go's own, and those of Prometheus.
  static let named: [String: TemplateFunction] = builtins.merging(ofPrometheus) { _, own in own }
}

extension TemplateValue {
  /// The bytes of a text.
  var bytes: [UInt8] {
    switch self {
    case .text(let text), .html(let text): text
    default: []
    }
  }

  /// The number that the functions of Prometheus take a value for.
  func number() throws(TemplateCallError) -> Double {
    switch self {
    case .float(let value): return value
    case .integer(let value): return Double(value)
    case .duration(let nanoseconds, isMade: false): return GoTime.seconds(nanoseconds)
    case .text(let text):
      let read = GoFloat.parse(String(decoding: text, as: UTF8.self))
      if let value = read.value, !read.isOutOfRange { return value }
      let reason = read.isOutOfRange ? "value out of range" : "invalid syntax"
      throw .failed("strconv.ParseFloat: parsing \(QuotedText.go(text[...], bytesMax: 256)): \(reason)")
    default: throw .failed("can't convert \(typeName) to float")
    }
  }
}

extension TemplateEvaluator {
  /// A text that a function has made.
  mutating func made(_ text: [UInt8]) throws(TemplateCallError) -> TemplateValue {
    try room(text.count)
    return .text(text)
  }

  mutating func made(_ text: String) throws(TemplateCallError) -> TemplateValue { try made(Array(text.utf8)) }

  /// Asks for room for a text before it is made.
  mutating func room(_ count: Int) throws(TemplateCallError) {
    do throws(TemplateError) { try make(count) } catch { throw .stopped(error) }
  }
}
