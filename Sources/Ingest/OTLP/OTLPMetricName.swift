import Format

/// The name of a metric among series: escaped or not, with or without its unit and type. Pure.
struct OTLPMetricName {
  enum Kind { case gauge, counter, other }

  let options: OTLPOptions

  func build(_ metric: OTLPMetric) throws(OTLPError) -> String {
    let kind = OTLPMetricName.kind(of: metric)
    if !options.escapes {
      return options.addsSuffixes ? OTLPMetricName.suffixed(metric.name, metric.unit, kind) : metric.name
    }
    let name =
      options.addsSuffixes
      ? OTLPMetricName.normalized(metric.name, metric.unit, kind) : OTLPMetricName.escaped(metric.name)
    if name.isEmpty { throw OTLPError("normalization for metric \"\(metric.name)\" resulted in empty name") }
    if name != metric.name, name.utf8.allSatisfy({ $0 == UInt8(ascii: "_") }) {
      throw OTLPError("normalization for metric \"\(metric.name)\" resulted in invalid name \"\(name)\"")
    }
    return name
  }

  static func kind(of metric: OTLPMetric) -> Kind {
    switch metric.points {
    case .gauge: .gauge
    case .sum(_, _, let isMonotonic): isMonotonic ? .counter : .other
    default: .other
    }
  }

  static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", ":": true
    default: false
    }
  }

  /// The words of the name with those of its unit and type behind them, each once, between single underscores.
  private static func normalized(_ name: String, _ unit: String, _ kind: Kind) -> String {
    var words = split(name) { isAllowed($0) }
    addUnit(OTLPUnit(unit), to: &words)
    if kind == .counter { words = words.filter { $0 != "total" } + ["total"] }
    if unit == "1", kind == .gauge { words = words.filter { $0 != "ratio" } + ["ratio"] }
    return withoutLeadingDigit(words.joined(separator: "_"))
  }

  private static func addUnit(_ unit: OTLPUnit, to words: inout [String]) {
    var main = OTLPUnit.clean(unit.main)
    var per = OTLPUnit.clean(unit.per)
    if words.contains(main) { main = "" }
    per = per == "per_" ? "" : withoutLastUnderscore(per)
    if words.contains(per) { per = "" }
    if !per.isEmpty { main = withoutLastUnderscore(main) }
    words += [main, per].filter { !$0.isEmpty }
  }

  private static func withoutLastUnderscore(_ text: String) -> String {
    text.hasSuffix("_") ? String(text.dropLast()) : text
  }

  /// Underscores stay as they are; between the rest there is one.
  private static func escaped(_ name: String) -> String {
    withoutLeadingDigit(split(name) { isAllowed($0) || $0 == "_" }.joined(separator: "_"))
  }

  private static func withoutLeadingDigit(_ name: String) -> String {
    name.utf8.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } == true ? "_" + name : name
  }

  private static func split(_ name: String, _ isKept: (Unicode.Scalar) -> Bool) -> [String] {
    name.unicodeScalars.split(whereSeparator: { !isKept($0) }).map { String($0) }
  }

  /// The name as it is; what it ends in already is not said twice.
  private static func suffixed(_ name: String, _ unit: String, _ kind: Kind) -> String {
    var name = name
    var endings = ""
    func move(_ ending: String) {
      if name.hasSuffix(ending), name.utf8.count > ending.utf8.count + 1 {
        name = String(decoding: name.utf8.dropLast(ending.utf8.count + 1), as: UTF8.self)
      }
      endings = "_" + ending + endings
    }
    if unit == "1", kind == .gauge { move("ratio") }
    if kind == .counter { move("total") }
    let unit = OTLPUnit(unit)
    if !unit.per.isEmpty { move(unit.per) }
    if !unit.main.isEmpty, !name.hasSuffix(unit.main) { name += "_" + unit.main }
    return name + endings
  }
}

/// The name of a label made of an attribute's. Pure.
struct OTLPLabelName {
  let options: OTLPOptions

  func build(_ name: String) throws(OTLPError) -> String {
    if name.isEmpty { throw OTLPError("label name is empty") }
    let label = options.escapes ? escaped(name) : name
    if label.utf8.allSatisfy({ $0 == UInt8(ascii: "_") }) {
      throw OTLPError(
        options.escapes
          ? "normalization for label name \"\(name)\" resulted in invalid name \"\(label)\""
          : "label name \"\(name)\" contains only underscores")
    }
    return label
  }

  private func escaped(_ name: String) -> String {
    // `__name__` and its like keep their underscores.
    let isReserved =
      !options.keepsMultipleUnderscores && name.utf8.count >= 4 && name.hasPrefix("__") && name.hasSuffix("__")
    var label = ""
    for scalar in (isReserved ? name.dropFirst(2).dropLast(2) : name[...]).unicodeScalars {
      if OTLPMetricName.isAllowed(scalar), scalar != ":" {
        label.unicodeScalars.append(scalar)
      } else if options.keepsMultipleUnderscores || label.last != "_" {
        label.append("_")
      }
    }
    if isReserved { label = "__" + label + "__" }
    if let first = label.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) { return "key_" + label }
    if options.prefixesUnderscore, label.hasPrefix("_"), !label.hasPrefix("__") { return "key" + label }
    return label
  }
}
