import Model
import PromQL

// Pipelines and commands: the node that an error names is the one that Go's engine names.
extension TemplateEvaluator {
  mutating func evaluate(pipe node: TemplateNode, _ dot: TemplateValue) throws(TemplateError) -> TemplateValue {
    guard case .pipe(let pipe) = node.kind else { return .missing }
    try enter()
    defer { leave() }
    at(node)
    var value: TemplateValue?
    for command in pipe.commands {
      value = try evaluate(command: command, dot, value)
      // A nil of any type is no value any more.
      if case .null? = value { value = .missing }
    }
    let result = value ?? .missing
    for name in pipe.variables {
      if pipe.isAssignment { try set(name, result) } else { declare(name, result) }
    }
    return result
  }

  /// `last` is the value of the command before in the pipeline.
  private mutating func evaluate(
    command node: TemplateNode, _ dot: TemplateValue, _ last: TemplateValue?
  ) throws(TemplateError) -> TemplateValue {
    guard case .command(let words) = node.kind, let first = words.first else { return .missing }
    try step()
    switch first.kind {
    case .field(let names):
      at(first)
      return try fields(names, of: dot, first, dot, words[...], last)
    case .chain: return try evaluate(chain: first, dot, words[...], last)
    case .identifier(let name):
      at(first)
      return try call(name, node, dot, words[...], last)
    case .pipe:
      try refuseArguments(words, last)
      return try evaluate(pipe: first, dot)
    case .variable: return try evaluate(variable: first, dot, words[...], last)
    default: break
    }
    at(first)
    try refuseArguments(words, last)
    switch first.kind {
    case .bool(let value): return .bool(value)
    case .dot: return dot
    case .nothing: throw failure("nil is not a command")
    case .number(let number): return try constant(number, first)
    case .string(_, let value): return .text(value)
    default: throw failure("can't evaluate command \(QuotedText.double(first.shown))")
    }
  }

  private func refuseArguments(_ words: [TemplateNode], _ last: TemplateValue?) throws(TemplateError) {
    if words.count > 1 || last != nil { throw failure("can't give argument to non-function \(words[0].shown)") }
  }

  /// A number where nothing says which type is meant.
  mutating func constant(_ number: TemplateNumber, _ node: TemplateNode) throws(TemplateError) -> TemplateValue {
    at(node)
    if number.isFloat, let float = number.float { return .float(float) }
    if let integer = number.integer { return .integer(integer) }
    throw failure("\(number.text) overflows int")
  }

  mutating func evaluate(
    chain node: TemplateNode, _ dot: TemplateValue, _ words: ArraySlice<TemplateNode>, _ last: TemplateValue?
  ) throws(TemplateError) -> TemplateValue {
    guard case .chain(let term, let names) = node.kind else { return .missing }
    at(node)
    let value = try argument(term, dot, nil)
    return try fields(names, of: value, node, dot, words, last)
  }

  mutating func evaluate(
    variable node: TemplateNode, _ dot: TemplateValue, _ words: ArraySlice<TemplateNode>, _ last: TemplateValue?
  ) throws(TemplateError) -> TemplateValue {
    guard case .variable(let names) = node.kind else { return .missing }
    at(node)
    let value = try value(of: names[0])
    if names.count == 1 {
      try refuseArguments(words.isEmpty ? [node] : Array(words), last)
      return value
    }
    return try fields(Array(names.dropFirst()), of: value, node, dot, words, last)
  }

  /// `.A.B.C`, of which the last may be a method with arguments.
  mutating func fields(
    _ names: [String], of receiver: TemplateValue, _ node: TemplateNode, _ dot: TemplateValue,
    _ words: ArraySlice<TemplateNode>, _ last: TemplateValue?
  ) throws(TemplateError) -> TemplateValue {
    var value = receiver
    var typeName = receiver.typeName
    for (place, name) in names.enumerated() {
      try step()
      let isLast = place == names.count - 1
      let arguments = isLast ? words.dropFirst() : []
      let found = try field(name, of: value, typeName, node, dot, arguments, isLast ? last : nil)
      // A value of any type is told as such where it has no field.
      typeName = found.isOfAnyType ? "interface {}" : found.value.typeName
      value = found.value
    }
    return value
  }

  private mutating func field(
    _ name: String, of value: TemplateValue, _ typeName: String, _ node: TemplateNode, _ dot: TemplateValue,
    _ arguments: ArraySlice<TemplateNode>, _ last: TemplateValue?
  ) throws(TemplateError) -> (value: TemplateValue, isOfAnyType: Bool) {
    if case .missing = value { return (.missing, false) }
    if case .null = value { throw failure("nil pointer evaluating interface {}.\(name)") }
    if let method = TemplateMethod.find(name, of: value) {
      let values = try self.arguments(name, method.parameters, dot, arguments, last)
      return (try method.call(value, values, limits), false)
    }
    let hasArguments = !arguments.isEmpty || last != nil
    switch value {
    case .labels(let labels):
      if hasArguments { throw failure("\(name) is not a method but has arguments") }
      return (.text(labels.bytes(of: name)), false)
    case .arguments(let values):
      if hasArguments { throw failure("\(name) is not a method but has arguments") }
      return (TemplateValue.sorted(values).first { $0.key == name }?.value ?? .null, true)
    case .noSample where name == "Labels" || name == "Value":
      throw failure("nil pointer evaluating \(typeName).\(name)")
    default: break
    }
    guard let found = plainField(name, of: value) else {
      throw failure("can't evaluate field \(name) in type \(typeName)")
    }
    if hasArguments { throw failure("\(name) has arguments but cannot be invoked as function") }
    return (found, name == "Value")
  }

  /// A field of a struct.
  private func plainField(_ name: String, of value: TemplateValue) -> TemplateValue? {
    switch value {
    case .root:
      switch name {
      case "Labels": return .labels(context.labels)
      case "ExternalLabels": return .labels(context.externalLabels)
      case "ExternalURL": return TemplateValue(context.externalURL)
      case "Value": return TemplateValue(context.value)
      default: return nil
      }
    case .sample(let sample):
      switch name {
      case "Labels": return .labels(sample.labels)
      case "Value": return TemplateValue(sample.value)
      default: return nil
      }
    case .histogram(let histogram):
      switch name {
      case "Count": return .float(histogram.count)
      case "Sum": return .float(histogram.sum)
      case "ZeroCount": return .float(histogram.zeroCount)
      case "ZeroThreshold": return .float(histogram.zeroThreshold)
      case "Schema": return .integer(Int64(histogram.schema))
      default: return nil
      }
    default: return nil
    }
  }
}

extension Labels {
  /// The value of a label; empty where there is none.
  func bytes(of name: String) -> [UInt8] {
    self[name].map { Array($0.utf8) } ?? []
  }
}
