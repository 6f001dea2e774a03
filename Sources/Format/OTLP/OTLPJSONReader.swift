/// One JSON object, read by name and type. A member of another type than expected is an error.
struct OTLPJSONReader {
  let document: JSONDocument

  init(_ document: JSONDocument) { self.document = document }

  func member(_ name: String) -> JSONDocument? {
    guard let value = document[name], value != .null else { return nil }
    return value
  }

  func list<Value>(
    _ name: String, _ read: (OTLPJSONReader) throws(OTLPError) -> Value
  ) throws(OTLPError) -> [Value] {
    guard let value = member(name) else { return [] }
    guard case .array(let elements) = value else { throw OTLPError("\(name) is no array") }
    var values: [Value] = []
    values.reserveCapacity(elements.count)
    for element in elements {
      guard case .object = element else { throw OTLPError("an element of \(name) is no object") }
      values.append(try read(OTLPJSONReader(element)))
    }
    return values
  }

  func object(_ name: String) throws(OTLPError) -> OTLPJSONReader? {
    guard let value = member(name) else { return nil }
    guard case .object = value else { throw OTLPError("\(name) is no object") }
    return OTLPJSONReader(value)
  }

  func text(_ name: String) throws(OTLPError) -> String {
    guard let value = member(name) else { return "" }
    guard let text = value.text else { throw OTLPError("\(name) is no string") }
    return text
  }

  func isTrue(_ name: String) throws(OTLPError) -> Bool {
    guard let value = member(name) else { return false }
    guard case .bool(let isTrue) = value else { throw OTLPError("\(name) is no boolean") }
    return isTrue
  }

  /// An integer, as a number or as a text of digits.
  func integer<Number: FixedWidthInteger>(_ name: String) throws(OTLPError) -> Number {
    guard let value = member(name) else { return 0 }
    guard let number: Number = OTLPJSONReader.integer(value) else { throw OTLPError("\(name) is no integer") }
    return number
  }

  static func integer<Number: FixedWidthInteger>(_ value: JSONDocument) -> Number? {
    switch value {
    case .number(let digits), .string(let digits):
      if let number = Number(digits) { return number }
      // 1e3 is an integer to some writers.
      return Double(digits).flatMap { Number(exactly: $0) }
    default: return nil
    }
  }

  static func double(_ value: JSONDocument) -> Double? {
    switch value {
    case .number(let digits): return Double(digits)
    case .string("NaN"): return .nan
    case .string("Infinity"): return .infinity
    case .string("-Infinity"): return -.infinity
    case .string(let digits): return digits.utf8.allSatisfy { $0 != 0x78 && $0 != 0x58 } ? Double(digits) : nil
    default: return nil
    }
  }

  func double(_ name: String) throws(OTLPError) -> Double? {
    guard let value = member(name) else { return nil }
    guard let number = OTLPJSONReader.double(value) else { throw OTLPError("\(name) is no number") }
    return number
  }

  func doubles(_ name: String) throws(OTLPError) -> [Double] { try numbers(name) { OTLPJSONReader.double($0) } }

  func integers(_ name: String) throws(OTLPError) -> [UInt64] { try numbers(name) { OTLPJSONReader.integer($0) } }

  private func numbers<Number>(_ name: String, _ read: (JSONDocument) -> Number?) throws(OTLPError) -> [Number] {
    guard let value = member(name) else { return [] }
    guard case .array(let elements) = value else { throw OTLPError("\(name) is no array") }
    var numbers: [Number] = []
    numbers.reserveCapacity(elements.count)
    for element in elements {
      guard let number = read(element) else { throw OTLPError("an element of \(name) is no number") }
      numbers.append(number)
    }
    return numbers
  }

  func hexadecimal(_ name: String) throws(OTLPError) -> [UInt8] {
    let digits = Array(try text(name).utf8)
    guard digits.count % 2 == 0 else { throw OTLPError("\(name) is not hexadecimal") }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
      let pair = String(decoding: digits[place..<(place + 2)], as: UTF8.self)
      guard !pair.hasPrefix("+"), !pair.hasPrefix("-"), let byte = UInt8(pair, radix: 16) else {
        throw OTLPError("\(name) is not hexadecimal")
      }
      bytes.append(byte)
    }
    return bytes
  }

  func attributes(_ name: String = "attributes") throws(OTLPError) -> [OTLPAttribute] {
    try list(name, OTLPAttribute.init)
  }

  func temporality() throws(OTLPError) -> OTLPTemporality {
    let name = "aggregationTemporality"
    guard let value = member(name) else { return .unspecified }
    switch value {
    case .number("1"), .string("AGGREGATION_TEMPORALITY_DELTA"): return .delta
    case .number("2"), .string("AGGREGATION_TEMPORALITY_CUMULATIVE"): return .cumulative
    case .number, .string: return .unspecified
    default: throw OTLPError("\(name) is no enumeration")
    }
  }

  func point() throws(OTLPError) -> OTLPPoint {
    var point = OTLPPoint()
    point.attributes = try attributes()
    point.startTime = try integer("startTimeUnixNano")
    point.time = try integer("timeUnixNano")
    point.flags = try integer("flags")
    return point
  }

  /// `asDouble` or `asInt`.
  func value() throws(OTLPError) -> Double {
    if let value = try double("asDouble") { return value }
    let number: Int64 = try integer("asInt")
    return Double(number)
  }
}
