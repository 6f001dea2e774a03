import Model

/// The tree of a query as the JSON of `/api/v1/parse_query`. Members stand in the order of their names.
package struct TreeJSON {
  private var text = ""

  package static func text(of expression: Expression) -> String {
    var json = TreeJSON()
    json.write(expression)
    return json.text
  }

  // Writing.

  private mutating func object(_ members: [(name: String, write: (inout TreeJSON) -> Void)]) {
    text += "{"
    for (index, member) in members.enumerated() {
      if index > 0 { text += "," }
      text += "\"\(member.name)\":"
      member.write(&self)
    }
    text += "}"
  }

  private mutating func list<Element>(_ elements: [Element], _ write: (inout TreeJSON, Element) -> Void) {
    text += "["
    for (index, element) in elements.enumerated() {
      if index > 0 { text += "," }
      write(&self, element)
    }
    text += "]"
  }

  private mutating func string(_ value: String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      default:
        if scalar.value < 0x20 {
          let digits = String(scalar.value, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    text += "\""
  }

  private mutating func strings(_ values: [String]) { list(values) { $0.string($1) } }

  private mutating func number(_ value: Double?) {
    text += value.map { $0.isFinite ? NumberText.decimal($0) : "null" } ?? "null"
  }

  // Nodes.

  private mutating func write(_ expression: Expression) {
    switch expression {
    case .number(let node):
      object([("type", { $0.string("numberLiteral") }), ("val", { $0.string(NumberText.decimal(node.value)) })])
    case .string(let node): object([("type", { $0.string("stringLiteral") }), ("val", { $0.string(node.value) })])
    case .selector(let node): object(selectorMembers(node, "vectorSelector"))
    case .matrix(let node):
      let range: [(String, (inout TreeJSON) -> Void)] = [
        ("range", { $0.text += "\(node.range)" }), ("rangeExpr", { $0.write(node.rangeExpression) }),
      ]
      object((selectorMembers(node.selector, "matrixSelector") + range).sorted { $0.0 < $1.0 })
    case .subquery(let node):
      object(
        (shiftMembers(node.shift) + [
          ("expr", { $0.write(node.expression) }), ("range", { $0.text += "\(node.range)" }),
          ("rangeExpr", { $0.write(node.rangeExpression) }), ("step", { $0.text += "\(node.step)" }),
          ("stepExpr", { $0.write(node.stepExpression) }), ("type", { $0.string("subquery") }),
        ]).sorted { $0.0 < $1.0 })
    case .call(let node): write(node)
    case .aggregation(let node):
      object([
        ("expr", { $0.write(node.expression) }), ("grouping", { $0.strings(node.grouping) }),
        ("op", { $0.string(node.op.rawValue) }),
        ("param", { if let parameter = node.parameter { $0.write(parameter) } else { $0.text += "null" } }),
        ("type", { $0.string("aggregation") }), ("without", { $0.text += "\(node.isWithout)" }),
      ])
    case .binary(let node): write(node)
    case .unary(let node):
      object([
        ("expr", { $0.write(node.expression) }), ("op", { $0.string(node.isNegative ? "-" : "+") }),
        ("type", { $0.string("unaryExpr") }),
      ])
    case .paren(let node): object([("expr", { $0.write(node.expression) }), ("type", { $0.string("parenExpr") })])
    }
  }

  private mutating func write(_ node: Call) {
    let function = node.function
    let variadic =
      switch function.variadic {
      case .fixed: 0
      case .upTo(let count): count
      case .unlimited: -1
      }
    object([
      ("args", { $0.list(node.arguments) { $0.write($1) } }),
      (
        "func",
        {
          $0.object([
            ("argTypes", { $0.strings(function.arguments.map(\.rawValue)) }), ("name", { $0.string(function.name) }),
            ("returnType", { $0.string(function.result.rawValue) }), ("variadic", { $0.text += "\(variadic)" }),
          ])
        }
      ), ("type", { $0.string("call") }),
    ])
  }

  private mutating func write(_ node: BinaryExpression) {
    object([
      ("bool", { $0.text += "\(node.returnsBool)" }), ("lhs", { $0.write(node.left) }),
      (
        "matching",
        {
          guard let matching = node.matching else {
            $0.text += "null"
            return
          }
          $0.object([
            ("card", { $0.string(matching.cardinality.rawValue) }),
            (
              "fillValues",
              { $0.object([("lhs", { $0.number(matching.fillLeft) }), ("rhs", { $0.number(matching.fillRight) })]) }
            ), ("include", { $0.strings(matching.include) }), ("labels", { $0.strings(matching.labels) }),
            ("on", { $0.text += "\(matching.isOn)" }),
          ])
        }
      ), ("op", { $0.string(node.op.rawValue) }), ("rhs", { $0.write(node.right) }),
      ("type", { $0.string("binaryExpr") }),
    ])
  }

  private func shiftMembers(_ shift: TimeShift) -> [(String, (inout TreeJSON) -> Void)] {
    [
      ("offset", { $0.text += "\(shift.offset)" }), ("offsetExpr", { $0.write(shift.offsetExpression) }),
      (
        "startOrEnd",
        {
          if shift.at == .start {
            $0.string("start")
          } else if shift.at == .end {
            $0.string("end")
          } else {
            $0.text += "null"
          }
        }
      ),
      ("timestamp", { if case .milliseconds(let time) = shift.at { $0.text += "\(time)" } else { $0.text += "null" } }),
    ]
  }

  private func selectorMembers(_ node: VectorSelector, _ type: String) -> [(String, (inout TreeJSON) -> Void)] {
    let own: [(String, (inout TreeJSON) -> Void)] = [
      ("anchored", { $0.text += "\(node.isAnchored)" }),
      ("matchers", { $0.list(node.matchers) { $0.write($1) } }), ("name", { $0.string(node.name) }),
      ("smoothed", { $0.text += "\(node.isSmoothed)" }), ("type", { $0.string(type) }),
    ]
    return (own + shiftMembers(node.shift)).sorted { $0.0 < $1.0 }
  }

  private mutating func write(_ matcher: Matcher) {
    object([
      ("name", { $0.string(matcher.name) }), ("type", { $0.string(Printer.operatorText(matcher.kind)) }),
      ("value", { $0.string(matcher.value) }),
    ])
  }

  private mutating func write(_ duration: DurationExpression?) {
    guard let duration else {
      text += "null"
      return
    }
    switch duration {
    case .number(let literal):
      object([
        ("duration", { $0.text += "\(literal.isDuration)" }), ("type", { $0.string("numberLiteral") }),
        ("val", { $0.string(NumberText.decimal(literal.value)) }),
      ])
    case .paren(let inner, _):
      if case .number = inner { operation("+", nil, inner, wrapped: true) } else { write(wrapped: inner) }
    default: write(unwrapped: duration, wrapped: false)
    }
  }

  private mutating func write(wrapped duration: DurationExpression) {
    if case .paren = duration { write(duration) } else { write(unwrapped: duration, wrapped: true) }
  }

  private mutating func write(unwrapped duration: DurationExpression, wrapped: Bool) {
    switch duration {
    case .number, .paren: write(duration)
    case .step: operation("step", nil, nil, wrapped: wrapped)
    case .range: operation("range", nil, nil, wrapped: wrapped)
    case .negated(let inner, _): operation("-", nil, inner, wrapped: wrapped)
    case .binary(let op, let left, let right): operation(op.rawValue, left, right, wrapped: wrapped)
    case .least(let one, let two, _): operation("min_of", one, two, wrapped: wrapped)
    case .largest(let one, let two, _): operation("max_of", one, two, wrapped: wrapped)
    }
  }

  private mutating func operation(
    _ op: String, _ left: DurationExpression?, _ right: DurationExpression?, wrapped: Bool
  ) {
    object([
      ("lhs", { $0.write(left) }), ("op", { $0.string(op) }), ("rhs", { $0.write(right) }),
      ("type", { $0.string("durationExpr") }), ("wrapped", { $0.text += "\(wrapped)" }),
    ])
  }
}
