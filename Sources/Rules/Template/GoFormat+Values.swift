import Model
import PromQL

// One operand by its verb.
extension GoFormat {
  /// As `%v`. `isAtTop`: it is an operand itself, so that an address is told as such.
  mutating func print(_ value: TemplateValue, isAtTop: Bool) { print(value, verb: "v", isAtTop: isAtTop) }

  mutating func print(_ value: TemplateValue, verb: Unicode.Scalar, isAtTop: Bool) {
    if output.count > bytesMax { return }
    // With `v` they ask for names of fields and for Go's syntax, and not for signs.
    if verb == "v" { (flags.plus, flags.sharp) = (false, false) }
    if value.isUntyped {
      if verb == "v" || verb == "T" { pad("<nil>") } else { bad(verb, value) }
      return
    }
    if verb == "T" { return pad(value.typeName) }
    switch value {
    case .bool(let bool):
      if verb == "t" || verb == "v" { pad(bool ? "true" : "false") } else { bad(verb, value) }
    case .integer(let number): print(integer: number, verb, value)
    case .byte(let number): print(integer: Int64(number), verb, value)
    case .float(let number): print(float: number, verb, value)
    case .text(let text), .html(let text): print(text: text, verb, value)
    case .time(let time): print(named: time.description, verb, value)
    case .duration(let nanoseconds, let isMade):
      if "vsxXq".unicodeScalars.contains(verb) {
        print(text: Array(GoTime.duration(nanoseconds).utf8), verb, value)
      } else if isMade {
        bad(verb, value)
      } else {
        print(integer: nanoseconds, verb, value)
      }
    case .month(let month):
      print(number: month, named: GoTime.months[month - 1], verb, value)
    case .weekday(let day): print(number: day, named: GoTime.weekdays[day], verb, value)
    case .histogram(let histogram): print(named: GoFormat.text(of: histogram), verb, value)
    default: print(composed: value, verb, isAtTop: isAtTop)
    }
  }

  /// Maps, lists and structs: each part by the verb.
  private mutating func print(composed value: TemplateValue, _ verb: Unicode.Scalar, isAtTop: Bool) {
    switch value {
    case .labels(let labels):
      print(map: labels.pairs.map { (TemplateValue($0.name), TemplateValue($0.value)) }, verb)
    case .arguments(let values):
      print(map: TemplateValue.sorted(values).map { (TemplateValue($0.key), $0.value) }, verb)
    case .samples(let samples):
      output.append(UInt8(ascii: "["))
      for (place, sample) in samples.enumerated() {
        if place > 0 { output.append(0x20) }
        print(.sample(sample), verb: verb, isAtTop: true)
      }
      output.append(UInt8(ascii: "]"))
    case .sample(let sample):
      if isAtTop { output.append(UInt8(ascii: "&")) }
      output.append(UInt8(ascii: "{"))
      print(.labels(sample.labels), verb: verb, isAtTop: false)
      output.append(0x20)
      print(TemplateValue(sample.value), verb: verb, isAtTop: false)
      output.append(UInt8(ascii: "}"))
    case .noSample: if verb == "v" { pad("<nil>") } else { bad(verb, value) }
    case .root:
      output.append(UInt8(ascii: "{"))
      print(.labels(context.labels), verb: verb, isAtTop: false)
      output.append(0x20)
      print(.labels(context.externalLabels), verb: verb, isAtTop: false)
      output.append(0x20)
      print(TemplateValue(context.externalURL), verb: verb, isAtTop: false)
      output.append(0x20)
      print(TemplateValue(context.value), verb: verb, isAtTop: false)
      output.append(UInt8(ascii: "}"))
    default: bad(verb, value)
    }
  }

  private mutating func print(map pairs: [(TemplateValue, TemplateValue)], _ verb: Unicode.Scalar) {
    output += "map[".utf8
    for (place, pair) in pairs.enumerated() {
      if place > 0 { output.append(0x20) }
      print(pair.0, verb: verb, isAtTop: false)
      output.append(UInt8(ascii: ":"))
      print(pair.1, verb: verb, isAtTop: false)
    }
    output.append(UInt8(ascii: "]"))
  }

  private mutating func bad(_ verb: Unicode.Scalar, _ value: TemplateValue) {
    output += "%!\(verb)(".utf8
    if value.isUntyped {
      output += "<nil>".utf8
    } else {
      output += "\(value.typeName)=".utf8
      print(value, isAtTop: false)
    }
    output.append(UInt8(ascii: ")"))
  }

  // MARK: numbers

  private mutating func print(integer number: Int64, _ verb: Unicode.Scalar, _ value: TemplateValue) {
    switch verb {
    case "v", "d": print(digits: String(number.magnitude), number < 0, prefix: "")
    case "b": print(digits: String(number.magnitude, radix: 2), number < 0, prefix: flags.sharp ? "0b" : "")
    case "o": print(digits: String(number.magnitude, radix: 8), number < 0, prefix: flags.sharp ? "0" : "")
    case "O": print(digits: String(number.magnitude, radix: 8), number < 0, prefix: "0o")
    case "x": print(digits: String(number.magnitude, radix: 16), number < 0, prefix: flags.sharp ? "0x" : "")
    case "X":
      let digits = String(number.magnitude, radix: 16, uppercase: true)
      print(digits: digits, number < 0, prefix: flags.sharp ? "0X" : "")
    case "c": pad(String(GoFormat.scalar(number)))
    case "q": pad(QuotedText.single(Rune(GoFormat.scalar(number))))
    case "U":
      let digits = String(UInt64(bitPattern: number), radix: 16, uppercase: true)
      var text = "U+" + String(repeating: "0", count: max(0, (flags.precision ?? 4) - digits.count)) + digits
      if flags.sharp, let scalar = UInt32(exactly: number).flatMap(Unicode.Scalar.init), GoFormat.isPrintable(scalar) {
        text += " '\(scalar)'"
      }
      pad(text)
    default: bad(verb, value)
    }
  }

  private static func scalar(_ number: Int64) -> Unicode.Scalar {
    UInt32(exactly: number).flatMap(Unicode.Scalar.init) ?? "\u{FFFD}"
  }

  private mutating func print(digits: String, _ isNegative: Bool, prefix: String) {
    var sign = ""
    if isNegative { sign = "-" } else if flags.plus { sign = "+" } else if flags.space { sign = " " }
    var least = flags.precision ?? 0
    if flags.precision == 0, digits == "0" {
      let zero = flags.zero
      flags.zero = false
      pad("")
      flags.zero = zero
      return
    }
    if flags.precision == nil, flags.zero, !flags.minus, let width = flags.width {
      least = width - sign.count
    }
    let zeros = min(max(0, least - digits.utf8.count), max(0, bytesMax - output.count) + 1)
    let zero = flags.zero
    flags.zero = false
    pad(sign + prefix + String(repeating: "0", count: zeros) + digits)
    flags.zero = zero
  }

  private mutating func print(float number: Double, _ verb: Unicode.Scalar, _ value: TemplateValue) {
    let precision = flags.precision
    var text: String
    switch verb {
    case "v", "g", "G":
      text = precision.map { GoFloat.general(number, digits: $0) } ?? FloatText.general(number)
    case "e", "E": text = GoFloat.scientific(number, places: precision ?? 6)
    case "f", "F": text = GoFloat.fixed(number, places: precision ?? 6)
    default: return bad(verb, value)
    }
    if verb == "E" || verb == "G", number.isFinite { text = text.uppercased() }
    if !text.hasPrefix("-"), !text.hasPrefix("+") { text = "+" + text }
    if flags.space, text.hasPrefix("+"), !flags.plus { text = " " + text.dropFirst() }
    if !number.isFinite {
      let zero = flags.zero
      flags.zero = false
      pad(number.isNaN && !flags.space && !flags.plus ? String(text.dropFirst()) : text)
      flags.zero = zero
      return
    }
    guard flags.plus || !text.hasPrefix("+") else { return pad(String(text.dropFirst())) }
    if flags.zero, !flags.minus, let width = flags.width, width > text.utf8.count {
      let zeros = min(width - text.utf8.count, max(0, bytesMax - output.count) + 1)
      text = text.prefix(1) + String(repeating: "0", count: zeros) + text.dropFirst()
      output += text.utf8
      return
    }
    pad(text)
  }

  // MARK: texts

  private mutating func print(text: [UInt8], _ verb: Unicode.Scalar, _ value: TemplateValue) {
    var text = text
    if let precision = flags.precision, "vsqxX".unicodeScalars.contains(verb) {
      if verb == "x" || verb == "X" {
        text = Array(text.prefix(precision))
      } else {
        text = Array(
          String(String.UnicodeScalarView(String(decoding: text, as: UTF8.self).unicodeScalars.prefix(precision))).utf8)
      }
    }
    switch verb {
    case "v", "s": pad(text)
    case "q":
      let isRaw = flags.sharp && TemplateText.quoted(text).hasPrefix("`")
      let quoted = isRaw ? TemplateText.quoted(text) : QuotedText.go(text[...], bytesMax: .max)
      pad(flags.plus ? GoFormat.escapedToASCII(quoted) : quoted)
    case "x", "X":
      let digits = Array((verb == "x" ? "0123456789abcdef" : "0123456789ABCDEF").utf8)
      var result: [UInt8] = []
      for (place, byte) in text.enumerated() {
        if flags.space, place > 0 { result.append(0x20) }
        if flags.sharp, place == 0 || flags.space { result += verb == "x" ? "0x".utf8 : "0X".utf8 }
        result += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
      pad(result)
    default: bad(verb, value)
    }
  }

  private static func escapedToASCII(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
      if scalar.isASCII {
        result.unicodeScalars.append(scalar)
      } else {
        let isShort = scalar.value < 0x10000
        result += (isShort ? "\\u" : "\\U") + hexadecimal(scalar.value, digits: isShort ? 4 : 8).lowercased()
      }
    }
  }

  /// A value that is told by its name or text alone.
  private mutating func print(named text: String, _ verb: Unicode.Scalar, _ value: TemplateValue) {
    if "vsxXq".unicodeScalars.contains(verb) { print(text: Array(text.utf8), verb, value) } else { bad(verb, value) }
  }

  private mutating func print(number: Int, named text: String, _ verb: Unicode.Scalar, _ value: TemplateValue) {
    if "vsxXq".unicodeScalars.contains(verb) {
      print(text: Array(text.utf8), verb, value)
    } else {
      print(integer: Int64(number), verb, value)
    }
  }

  /// `{count:2, sum:3, (1,2]:2}`.
  private static func text(of histogram: Histogram) -> String {
    var text = "{count:\(FloatText.general(histogram.count)), sum:\(FloatText.general(histogram.sum))"
    for bucket in histogram.allBuckets where bucket.count != 0 {
      text += bucket.includesLower ? ", [" : ", ("
      text += "\(FloatText.general(bucket.lower)),\(FloatText.general(bucket.upper))"
      text += bucket.includesUpper ? "]:" : "):"
      text += FloatText.general(bucket.count)
    }
    return text + "}"
  }
}
