import Model
import PromQL

// Calls of functions and methods: arguments are brought to the types of the parameters first.
extension TemplateEvaluator {
  /// `words` are the function itself and its arguments; empty where the function stands as an argument of another.
  mutating func call(
    _ name: String, _ node: TemplateNode, _ dot: TemplateValue, _ words: ArraySlice<TemplateNode>,
    _ last: TemplateValue?
  ) throws(TemplateError) -> TemplateValue {
    guard let function = TemplateFunction.named[name] else {
      throw failure("\(QuotedText.double(name)) is not a defined function")
    }
    try step()
    let written = words.dropFirst()
    if function.isShortCircuit {
      try checkCount(name, function.parameters, written.count, last)
      return try shortCircuit(name, dot, written, last)
    }
    let values = try arguments(name, function.parameters, dot, written, last)
    try step(values.reduce(0) { $0 + $1.byteCount } / 64)
    if name == "call" { callee = written.first?.shown }
    do throws(TemplateCallError) {
      return try function.body(&self, values)
    } catch {
      switch error {
      case .failed(let message):
        at(node)
        throw failure("error calling \(name): \(message)")
      case .stopped(let reason): throw reason
      }
    }
  }

  /// `and` and `or` look at their arguments up to the one that decides.
  private mutating func shortCircuit(
    _ name: String, _ dot: TemplateValue, _ written: ArraySlice<TemplateNode>, _ last: TemplateValue?
  ) throws(TemplateError) -> TemplateValue {
    var value = TemplateValue.missing
    for word in written {
      value = try argument(word, dot, .anyValue)
      if value.isTrue == (name == "or") { return value }
    }
    return last ?? value
  }

  private func checkCount(
    _ name: String, _ parameters: TemplateParameters, _ written: Int, _ last: TemplateValue?
  ) throws(TemplateError) {
    let count = written + (last == nil ? 0 : 1)
    if parameters.rest != nil {
      if count < parameters.fixed.count {
        throw failure("wrong number of args for \(name): want at least \(parameters.fixed.count) got \(written)")
      }
    } else if count != parameters.fixed.count {
      throw failure("wrong number of args for \(name): want \(parameters.fixed.count) got \(count)")
    }
  }

  mutating func arguments(
    _ name: String, _ parameters: TemplateParameters, _ dot: TemplateValue, _ written: ArraySlice<TemplateNode>,
    _ last: TemplateValue?
  ) throws(TemplateError) -> [TemplateValue] {
    try checkCount(name, parameters, written.count, last)
    var values: [TemplateValue] = []
    values.reserveCapacity(written.count + 1)
    for word in written { values.append(try argument(word, dot, parameters.type(at: values.count))) }
    if let last { values.append(try fit(last, parameters.type(at: values.count))) }
    return values
  }

  /// The value of an argument, of the type that is asked for; nil: of any, as a term that has fields.
  mutating func argument(
    _ node: TemplateNode, _ dot: TemplateValue, _ type: TemplateType?
  ) throws(TemplateError) -> TemplateValue {
    at(node)
    try step()
    switch node.kind {
    case .dot: return try fit(dot, type)
    case .nothing:
      switch type {
      case .any: return .null
      case .anyValue: return .missing
      case .samples: return .samples([])
      case .sample: return .noSample
      default: throw failure("cannot assign nil to \(type?.name ?? "<nil>")")
      }
    case .field(let names): return try fit(try fields(names, of: dot, node, dot, [node], nil), type)
    case .variable: return try fit(try evaluate(variable: node, dot, [], nil), type)
    case .pipe: return try fit(try evaluate(pipe: node, dot), type)
    case .identifier(let name): return try fit(try call(name, node, dot, [], nil), type)
    case .chain: return try fit(try evaluate(chain: node, dot, [], nil), type)
    default: return try literal(node, type)
    }
  }

  private mutating func literal(_ node: TemplateNode, _ type: TemplateType?) throws(TemplateError) -> TemplateValue {
    switch (type, node.kind) {
    case (.text, .string(_, let value)): return .text(value)
    case (.text, _): throw failure("expected string; found \(node.shown)")
    case (.integer, .number(let number)), (.duration, .number(let number)):
      guard let integer = number.integer else { throw failure("expected integer; found \(node.shown)") }
      return type == .integer ? .integer(integer) : .duration(integer, isMade: false)
    case (.integer, _), (.duration, _): throw failure("expected integer; found \(node.shown)")
    case (.any, .bool(let value)), (.anyValue, .bool(let value)): return .bool(value)
    case (.any, .string(_, let value)), (.anyValue, .string(_, let value)): return .text(value)
    case (.any, .number(let number)), (.anyValue, .number(let number)): return try constant(number, node)
    default: throw failure("can't handle \(node.shown) for arg of type \(type?.name ?? "<nil>")")
    }
  }

  /// The value as an argument of a type takes it.
  private func fit(_ value: TemplateValue, _ type: TemplateType?) throws(TemplateError) -> TemplateValue {
    if case .missing = value {
      switch type {
      case nil, .anyValue: return .missing
      case .any: return .null
      case .samples: return .samples([])
      case .sample: return .noSample
      case .text, .integer, .duration, .time: throw failure("invalid value; expected \(type?.name ?? "")")
      }
    }
    switch (type, value) {
    case (nil, _), (.any, _), (.anyValue, _), (.text, .text), (.integer, .integer), (.samples, .samples),
      (.sample, .sample), (.sample, .noSample), (.time, .time), (.duration, .duration):
      return value
    case (.some(let type), _):
      throw failure("wrong type for value; expected \(type.name); got \(value.typeName)")
    }
  }
}

/// The type of a parameter.
enum TemplateType {
  case text, integer, samples, sample, time, duration
  /// Any, and any with its type looked at by the function itself: they differ in what a nil becomes.
  case any, anyValue

  var name: String {
    switch self {
    case .text: "string"
    case .integer: "int"
    case .samples: "template.queryResult"
    case .sample: "*template.sample"
    case .time: "time.Time"
    case .duration: "time.Duration"
    case .any: "interface {}"
    case .anyValue: "reflect.Value"
    }
  }
}

/// The parameters of a function: some, and perhaps any number more of one type. A value.
struct TemplateParameters: Sendable {
  var fixed: [TemplateType] = []
  var rest: TemplateType?

  init(_ fixed: TemplateType..., rest: TemplateType? = nil) {
    self.fixed = fixed
    self.rest = rest
  }

  func type(at place: Int) -> TemplateType { place < fixed.count ? fixed[place] : rest ?? .any }
}

/// The end of a call: the function's own failure, or that of the whole expansion.
enum TemplateCallError: Error, CustomStringConvertible {
  case failed(String)
  case stopped(TemplateError)

  var description: String {
    switch self {
    case .failed(let text): text
    case .stopped(let error): error.description
    }
  }
}
