import Format
import Model
import PromQL

// The functions that every Go template has.
extension TemplateFunction {
  static let builtins: [String: TemplateFunction] = [
    "and": TemplateFunction(TemplateParameters(.anyValue, rest: .anyValue), isShortCircuit: true) { _, _ in .missing },
    "or": TemplateFunction(TemplateParameters(.anyValue, rest: .anyValue), isShortCircuit: true) { _, _ in .missing },
    "not": TemplateFunction(TemplateParameters(.anyValue)) { _, values in .bool(!values[0].isTrue) },
    "len": TemplateFunction(TemplateParameters(.anyValue)) { (_, values) throws(TemplateCallError) in
      try length(values[0])
    },
    "index": TemplateFunction(TemplateParameters(.anyValue, rest: .anyValue)) {
      (_, values) throws(TemplateCallError) in try index(values)
    },
    "slice": TemplateFunction(TemplateParameters(.anyValue, rest: .anyValue)) {
      (_, values) throws(TemplateCallError) in try slice(values)
    },
    "call": TemplateFunction(TemplateParameters(.anyValue, rest: .anyValue)) {
      (state, values) throws(TemplateCallError) in
      if values[0].isNil { throw .failed("call of nil") }
      throw .failed("non-function \(state.callee ?? GoPrint.text(of: values[0])) of type \(values[0].typeName)")
    },
    "print": TemplateFunction(TemplateParameters(rest: .any)) { (state, values) throws(TemplateCallError) in
      try state.made(GoPrint.joined(values, state.context))
    },
    "println": TemplateFunction(TemplateParameters(rest: .any)) { (state, values) throws(TemplateCallError) in
      try state.made(GoPrint.line(values, state.context))
    },
    "printf": TemplateFunction(TemplateParameters(.text, rest: .any)) { (state, values) throws(TemplateCallError) in
      var format = GoFormat(Array(values.dropFirst()), context: state.context, bytesMax: state.limits.outputBytesMax)
      return try state.made(format.format(values[0].bytes))
    },
    "html": TemplateFunction(TemplateParameters(rest: .any)) { (state, values) throws(TemplateCallError) in
      try state.made(escapeHTML(GoPrint.plain(values, state.context)))
    },
    "js": TemplateFunction(TemplateParameters(rest: .any)) { (state, values) throws(TemplateCallError) in
      try state.made(escapeJavaScript(GoPrint.plain(values, state.context)))
    },
    "urlquery": TemplateFunction(TemplateParameters(rest: .any)) { (state, values) throws(TemplateCallError) in
      try state.made(PercentText.encodeForm(String(decoding: GoPrint.plain(values, state.context), as: UTF8.self)))
    },
    "eq": TemplateFunction(TemplateParameters(.anyValue, rest: .anyValue)) {
      (state, values) throws(TemplateCallError) in
      .bool(try TemplateComparison(context: state.context).isEqual(values[0], toOneOf: values[1...]))
    },
    "ne": comparison { (compare, one, two) throws(TemplateCallError) in
      !(try compare.isEqual(one, toOneOf: [two]))
    },
    "lt": comparison { (compare, one, two) throws(TemplateCallError) in try compare.isLess(one, two) },
    "le": comparison { (compare, one, two) throws(TemplateCallError) in try compare.isLessOrEqual(one, two) },
    "gt": comparison { (compare, one, two) throws(TemplateCallError) in
      !(try compare.isLessOrEqual(one, two))
    },
    "ge": comparison { (compare, one, two) throws(TemplateCallError) in !(try compare.isLess(one, two)) },
  ]

  private static func comparison(
    _ compare: @escaping @Sendable (TemplateComparison, TemplateValue, TemplateValue) throws(TemplateCallError) -> Bool
  ) -> TemplateFunction {
    TemplateFunction(TemplateParameters(.anyValue, .anyValue)) { (state, values) throws(TemplateCallError) in
      .bool(try compare(TemplateComparison(context: state.context), values[0], values[1]))
    }
  }

  private static func length(_ value: TemplateValue) throws(TemplateCallError) -> TemplateValue {
    switch value {
    case .text(let text), .html(let text): return .integer(Int64(text.count))
    case .labels(let labels): return .integer(Int64(labels.count))
    case .arguments(let values): return .integer(Int64(values.count))
    case .samples(let samples): return .integer(Int64(samples.count))
    case .missing, .null: throw .failed("reflect: call of reflect.Value.Type on zero Value")
    case .noSample: throw .failed("len of nil pointer")
    case .sample: throw .failed("len of type template.sample")
    case .time: throw .failed("len of type time.Time")
    case .duration: throw .failed("len of type time.Duration")
    case .histogram: throw .failed("len of type histogram.FloatHistogram")
    default: throw .failed("len of type \(value.typeName)")
    }
  }

  /// `index x 1 2`: x[1][2].
  private static func index(_ values: [TemplateValue]) throws(TemplateCallError) -> TemplateValue {
    var item = values[0]
    if case .missing = item { throw .failed("index of untyped nil") }
    for place in values.dropFirst() {
      switch item {
      case .text(let text), .html(let text):
        let number = try position(place, max: text.count)
        if number == text.count { throw .failed("reflect: string index out of range") }
        item = .byte(text[number])
      case .samples(let samples):
        let number = try position(place, max: samples.count)
        if number == samples.count { throw .failed("reflect: slice index out of range") }
        item = .sample(samples[number])
      case .labels(let labels): item = .text(labels.bytes(of: try key(place)))
      case .arguments(let values):
        let key = try key(place)
        item = TemplateValue.sorted(values).first { $0.key == key }?.value ?? .null
      case .noSample, .null: throw .failed("index of nil pointer")
      case .missing: throw .failed("index of untyped nil")
      default:
        let name = item.typeName
        throw .failed("can't index item of type \(name.hasPrefix("*") ? String(name.dropFirst()) : name)")
      }
    }
    return item
  }

  private static func key(_ value: TemplateValue) throws(TemplateCallError) -> String {
    switch value {
    case .text(let text): return String(decoding: text, as: UTF8.self)
    case .missing, .null: throw .failed("value is nil; should be of type string")
    default: throw .failed("value has type \(value.typeName); should be string")
    }
  }

  private static func position(_ value: TemplateValue, max: Int) throws(TemplateCallError) -> Int {
    switch value {
    case .integer(let number):
      if number < 0 || number > Int64(max) { throw .failed("index out of range: \(number)") }
      return Int(number)
    case .byte(let number):
      if Int(number) > max { throw .failed("index out of range: \(number)") }
      return Int(number)
    case .missing, .null: throw .failed("cannot index slice/array with nil")
    default: throw .failed("cannot index slice/array with type \(value.typeName)")
    }
  }

  /// `slice x 1 2`: x[1:2].
  private static func slice(_ values: [TemplateValue]) throws(TemplateCallError) -> TemplateValue {
    let count: Int
    switch values[0] {
    case .missing, .null: throw .failed("slice of untyped nil")
    case _ where values.count > 4: throw .failed("too many slice indexes: \(values.count - 1)")
    case .text(let text), .html(let text):
      if values.count == 4 { throw .failed("cannot 3-index slice a string") }
      count = text.count
    case .samples(let samples): count = samples.count
    default: throw .failed("can't slice item of type \(values[0].typeName)")
    }
    var bounds = [0, count, count]
    for (place, value) in values.dropFirst().enumerated() { bounds[place] = try position(value, max: count) }
    if bounds[0] > bounds[1] { throw .failed("invalid slice index: \(bounds[0]) > \(bounds[1])") }
    if bounds[1] > bounds[2] { throw .failed("invalid slice index: \(bounds[1]) > \(bounds[2])") }
    switch values[0] {
    case .text(let text): return .text(Array(text[bounds[0]..<bounds[1]]))
    case .html(let text): return .html(Array(text[bounds[0]..<bounds[1]]))
    case .samples(let samples): return .samples(Array(samples[bounds[0]..<bounds[1]]))
    default: return .missing
    }
  }

  private static func escapeHTML(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for byte in text {
      switch byte {
      case 0: result += "\u{FFFD}".utf8
      case UInt8(ascii: "\""): result += "&#34;".utf8
      case UInt8(ascii: "'"): result += "&#39;".utf8
      case UInt8(ascii: "&"): result += "&amp;".utf8
      case UInt8(ascii: "<"): result += "&lt;".utf8
      case UInt8(ascii: ">"): result += "&gt;".utf8
      default: result.append(byte)
      }
    }
    return result
  }

  private static func escapeJavaScript(_ text: [UInt8]) -> [UInt8] {
    var result = ""
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "'": result += "\\'"
      case "\"": result += "\\\""
      case "<", ">", "&", "=", "\u{0}"..<" ": result += "\\u" + GoFormat.hexadecimal(scalar.value, digits: 4)
      case _ where scalar.value >= 0x80 && !GoFormat.isPrintable(scalar):
        result += "\\u" + GoFormat.hexadecimal(scalar.value, digits: 4)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return Array(result.utf8)
  }
}
