import Testing

@testable import Platform

@Suite struct LogLineTests {
  private func logfmt(_ message: String, _ fields: Log.Fields = [:]) -> String {
    LogLine.text(.logfmt, milliseconds: 1_767_323_045_678, level: .info, message: message, fields: fields)
  }

  private func json(_ message: String, _ fields: Log.Fields = [:]) -> String {
    LogLine.text(.json, milliseconds: 1_767_323_045_678, level: .warn, message: message, fields: fields)
  }

  @Test("a logfmt line has time, level, msg, then the fields, quoted only where needed")
  func logfmtShape() {
    #expect(logfmt("started") == "time=2026-01-02T03:04:05.678Z level=INFO msg=started")
    #expect(
      logfmt("two words", ["address": "0.0.0.0:9090", "empty": "", "pair": "a=b", "took": "1.5s"])
        == #"time=2026-01-02T03:04:05.678Z level=INFO msg="two words" address=0.0.0.0:9090 empty="" pair="a=b" took=1.5s"#
    )
    #expect(logfmt("a\"b\\c\nd\te\u{1}f\u{7f}").hasSuffix(#"msg="a\"b\\c\nd\te\x01f\x7f""#))
    #expect(logfmt("größe").hasSuffix("msg=größe"))
    #expect(logfmt("a\u{85}b\u{2028}c\u{202E}d").hasSuffix(#"msg="a\u0085b\u2028c\u202ed""#))
  }

  @Test("a JSON line is one object with the same values")
  func jsonShape() {
    #expect(
      json("two words", ["path": "/a \"b\"", "n": "1"])
        == #"{"time":"2026-01-02T03:04:05.678Z","level":"WARN","msg":"two words","path":"/a \"b\"","n":"1"}"#)
    #expect(json("a\nb\u{0}c\u{2029}").contains(#""msg":"a\nb\u0000c\u2029""#))
  }

  @Test("every byte, followed by any kind of byte, stays inside one valid line and one value")
  func allBytes() throws {
    let followers: [UInt8] = [
      0, 9, 10, 13, 27, 32, 34, 61, 92, 97, 0x7F, 0x80, 0x85, 0x9F, 0xA0, 0xA8, 0xBF, 0xC2, 0xE2, 0xEF, 0xF0, 0xFF,
    ]
    for first in UInt8.min...UInt8.max {
      for second in followers {
        let value = String(decoding: [first, second], as: UTF8.self)
        let line = logfmt(value, ["k": value])
        try hold(isOneLine(line), "\(first) \(second)")
        let values = try held(logfmtValues(line), "\(first) \(second): \(line)")
        try hold(values.count == 4 && values[2] == value && values[3] == value, "\(first) \(second): \(line)")
        let object = json(value, ["k": value])
        try hold(isOneLine(object), "\(first) \(second)")
        let strings = try held(jsonStrings(object), "\(first) \(second): \(object)")
        try hold(strings.count == 8 && strings[5] == value && strings[7] == value, "\(first) \(second)")
      }
    }
  }

  @Test("every Unicode scalar reads back")
  func allScalars() throws {
    for code in Array(UInt32(0)...0x30FF) + Array(0xD700...0xE0FF) + Array(0xFE00...0x100FF) {
      guard let scalar = Unicode.Scalar(code) else { continue }
      let value = "a" + String(Character(scalar)) + "b"
      let line = logfmt(value)
      let values = try held(logfmtValues(line), "\(code)")
      try hold(isOneLine(line) && values[2].unicodeScalars.elementsEqual(value.unicodeScalars), "\(code)")
      let object = json(value)
      let strings = try held(jsonStrings(object), "\(code)")
      try hold(isOneLine(object) && strings[5].unicodeScalars.elementsEqual(value.unicodeScalars), "\(code)")
    }
  }

  @Test("a long value is cut at whole scalars and says so")
  func longValue() {
    for letter in ["x", "é", "€", "😀"] {
      let value = String(repeating: letter, count: LogLine.valueBytesMax + 10)
      let line = logfmt(value)
      #expect(line.hasSuffix("\(letter)..."))
      #expect(line.utf8.count <= LogLine.valueBytesMax + 80)
    }
    let exact = String(repeating: "x", count: LogLine.valueBytesMax)
    #expect(logfmt(exact).hasSuffix("msg=" + exact))
  }

  @Test("the level filters, and a filtered event is not even built")
  func levels() {
    for level in LogLevel.allCases {
      let lines = Lines()
      let log = Log(level: level, format: .logfmt, write: lines.add)
      var built = 0
      func message(_ name: String) -> String {
        built += 1
        return name
      }
      log.debug(message("d"))
      log.info(message("i"))
      log.warn(message("w"))
      log.error(message("e"))
      let expected = LogLevel.allCases.filter { $0 >= level }
      #expect(built == expected.count)
      #expect(lines.all.map { $0.split(separator: " ")[1] } == expected.map { "level=\($0.name)" })
      #expect(LogLevel(flagValue: "\(level)") == level)
    }
    #expect(LogLevel(flagValue: "INFO") == nil)
    #expect(LogFormat(flagValue: "json") == .json)
    #expect(LogFormat(flagValue: "xml") == nil)
  }

  @Test("the clock that is handed in stamps the line")
  func stamped() {
    let lines = Lines()
    Log(level: .info, format: .logfmt, clock: FixedClock(), write: lines.add).info("x")
    #expect(lines.all == ["time=1970-01-01T00:00:00.001Z level=INFO msg=x"])
  }
}

private struct FixedClock: Clock {
  func nowMilliseconds() -> Int64 { 1 }
  func monotonicNanoseconds() -> Int64 { 0 }
}

private func isOneLine(_ line: String) -> Bool {
  line.unicodeScalars.allSatisfy { scalar in
    scalar.value >= 0x20 && !(0x7F..<0xA0).contains(scalar.value) && scalar.value != 0x2028 && scalar.value != 0x2029
  }
}

/// The values of `key=value` pairs, unquoted; nil when the line is not made of such pairs. Written apart from the writer.
private func logfmtValues(_ line: String) -> [String]? {
  var values: [String] = []
  var rest = Array(line.unicodeScalars)[...]
  while true {
    guard let equals = rest.firstIndex(of: "="), equals > rest.startIndex else { return nil }
    rest = rest[(equals + 1)...]
    var value = String.UnicodeScalarView()
    if rest.first == "\"" {
      rest.removeFirst()
      guard let unquoted = unescape(&rest) else { return nil }
      value = unquoted
    } else {
      while let scalar = rest.first, scalar != " " {
        if scalar == "\"" || scalar == "=" || scalar == "\\" { return nil }
        value.append(rest.removeFirst())
      }
      if value.isEmpty { return nil }
    }
    values.append(String(value))
    if rest.isEmpty { return values }
    guard rest.removeFirst() == " " else { return nil }
  }
}

/// All strings of a flat JSON object, in order.
private func jsonStrings(_ line: String) -> [String]? {
  var strings: [String] = []
  var rest = Array(line.unicodeScalars)[...]
  guard rest.popFirst() == "{", rest.popLast() == "}" else { return nil }
  while true {
    guard rest.popFirst() == "\"", let value = unescape(&rest) else { return nil }
    strings.append(String(value))
    if rest.isEmpty { return strings.count.isMultiple(of: 2) ? strings : nil }
    guard rest.removeFirst() == (strings.count.isMultiple(of: 2) ? "," : ":") else { return nil }
  }
}

/// Up to and with the closing quote.
private func unescape(_ rest: inout ArraySlice<Unicode.Scalar>) -> String.UnicodeScalarView? {
  var value = String.UnicodeScalarView()
  while let scalar = rest.popFirst() {
    if scalar == "\"" { return value }
    guard scalar == "\\" else {
      value.append(scalar)
      continue
    }
    guard let letter = rest.popFirst() else { return nil }
    switch letter {
    case "\"", "\\": value.append(letter)
    case "n": value.append("\n")
    case "r": value.append("\r")
    case "t": value.append("\t")
    case "x", "u":
      let count = letter == "x" ? 2 : 4
      let digits = String(String.UnicodeScalarView(rest.prefix(count)))
      guard digits.count == count, let code = UInt32(digits, radix: 16), let escaped = Unicode.Scalar(code) else {
        return nil
      }
      rest = rest.dropFirst(count)
      value.append(escaped)
    default: return nil
    }
  }
  return nil
}
