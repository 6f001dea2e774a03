import Model

/// Comparisons of values by Go's rules: only of one kind with the same kind. A value.
struct TemplateComparison {
  /// The data of the alert, for errors that tell a value.
  let context: TemplateContext

  private enum Kind { case bool, integer, unsigned, float, text, other }

  private func kind(_ value: TemplateValue) -> Kind {
    switch value {
    case .bool: .bool
    case .integer, .duration(_, isMade: false), .month, .weekday: .integer
    case .byte: .unsigned
    case .float: .float
    case .text, .html: .text
    default: .other
    }
  }

  private func integer(_ value: TemplateValue) -> Int64 {
    switch value {
    case .integer(let number), .duration(let number, _): number
    case .month(let number), .weekday(let number): Int64(number)
    case .byte(let number): Int64(number)
    default: 0
    }
  }

  func isEqual(
    _ value: TemplateValue, toOneOf others: ArraySlice<TemplateValue>
  ) throws(TemplateCallError) -> Bool {
    if others.isEmpty { throw .failed("missing argument for comparison") }
    for other in others where try isEqual(value, other) { return true }
    return false
  }

  private func isEqual(_ one: TemplateValue, _ two: TemplateValue) throws(TemplateCallError) -> Bool {
    switch (kind(one), kind(two)) {
    case (.integer, .integer), (.integer, .unsigned), (.unsigned, .integer), (.unsigned, .unsigned):
      return integer(one) == integer(two)
    case (.bool, .bool):
      return one.isTrue == two.isTrue
    case (.float, .float):
      if case .float(let left) = one, case .float(let right) = two { return left == right }
      return false
    case (.text, .text): return one.bytes == two.bytes
    case (.other, .other): return try isSame(one, two)
    default:
      if isInvalid(one) || isInvalid(two) { return false }
      throw .failed("incompatible types for comparison: \(one.typeName) and \(two.typeName)")
    }
  }

  /// Values that are no numbers or texts: nil, and what lies at an address.
  private func isSame(_ one: TemplateValue, _ two: TemplateValue) throws(TemplateCallError) -> Bool {
    if one.isNil || two.isNil { return one.isNil == two.isNil }
    switch two {
    case .labels, .arguments, .samples, .root:
      if !isCollection(one) { return try refuse(one, two) }
      throw .failed("non-comparable type \(told(two)): \(two.typeName)")
    default: return isCollection(one) ? try refuse(one, two) : false
    }
  }

  private func refuse(_ one: TemplateValue, _ two: TemplateValue) throws(TemplateCallError) -> Bool {
    throw .failed(
      "non-comparable types \(told(one)): \(one.typeName), \(two.typeName): \(GoPrint.text(of: two))")
  }

  /// As `%s` has it.
  private func told(_ value: TemplateValue) -> String {
    var format = GoFormat([], context: context, bytesMax: 1 << 16)
    format.print(value, verb: "s", isAtTop: false)
    return String(decoding: format.output, as: UTF8.self)
  }

  private func isCollection(_ value: TemplateValue) -> Bool {
    switch value {
    case .labels, .arguments, .samples, .root: true
    default: false
    }
  }

  private func isInvalid(_ value: TemplateValue) -> Bool {
    switch value {
    case .missing, .null: true
    default: false
    }
  }

  func isLess(_ one: TemplateValue, _ two: TemplateValue) throws(TemplateCallError) -> Bool {
    let kinds = (kind(one), kind(two))
    if kinds.0 == .other || kinds.1 == .other { throw .failed("invalid type for comparison") }
    switch kinds {
    case (.integer, .integer), (.integer, .unsigned), (.unsigned, .integer), (.unsigned, .unsigned):
      return integer(one) < integer(two)
    case (.bool, .bool): throw .failed("invalid type for comparison")
    case (.float, .float):
      if case .float(let left) = one, case .float(let right) = two { return left < right }
      return false
    case (.text, .text): return one.bytes.lexicographicallyPrecedes(two.bytes)
    default: throw .failed("incompatible types for comparison: \(one.typeName) and \(two.typeName)")
    }
  }

  func isLessOrEqual(_ one: TemplateValue, _ two: TemplateValue) throws(TemplateCallError) -> Bool {
    if try isLess(one, two) { return true }
    return try isEqual(one, two)
  }
}
