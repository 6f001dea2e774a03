/// Enough of JSON to read another server's answers in tests.
indirect enum SmallJSON {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case list([SmallJSON])
  case object([(key: String, value: SmallJSON)])

  subscript(key: String) -> SmallJSON {
    if case .object(let members) = self { return members.first { $0.key == key }?.value ?? .null }
    return .null
  }

  var list: [SmallJSON] { if case .list(let list) = self { list } else { [] } }
  var members: [(key: String, value: SmallJSON)] { if case .object(let members) = self { members } else { [] } }
  var string: String? { if case .string(let string) = self { string } else { nil } }
  var number: Double? { if case .number(let number) = self { number } else { nil } }

  init(_ bytes: [UInt8]) throws {
    var reader = Reader(bytes: bytes)
    self = try reader.value()
  }

  private struct Reader {
    let bytes: [UInt8]
    var place = 0

    var next: UInt8 { place < bytes.count ? bytes[place] : 0 }

    mutating func skip() { while [32, 10, 13, 9].contains(next), place < bytes.count { place += 1 } }

    mutating func take(_ byte: Character) throws {
      skip()
      guard next == byte.asciiValue else { throw ScriptError("JSON at \(place)") }
      place += 1
    }

    mutating func value() throws -> SmallJSON {
      skip()
      switch next {
      case UInt8(ascii: "{"):
        place += 1
        var members: [(key: String, value: SmallJSON)] = []
        skip()
        while next != UInt8(ascii: "}") {
          skip()
          let key = try string()
          try take(":")
          members.append((key, try value()))
          skip()
          if next == UInt8(ascii: ",") { place += 1 }
          skip()
        }
        place += 1
        return .object(members)
      case UInt8(ascii: "["):
        place += 1
        var list: [SmallJSON] = []
        skip()
        while next != UInt8(ascii: "]") {
          list.append(try value())
          skip()
          if next == UInt8(ascii: ",") { place += 1 }
          skip()
        }
        place += 1
        return .list(list)
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "t"):
        place += 4
        return .bool(true)
      case UInt8(ascii: "f"):
        place += 5
        return .bool(false)
      case UInt8(ascii: "n"):
        place += 4
        return .null
      default:
        let start = place
        while place < bytes.count, !",]} \n".utf8.contains(bytes[place]) { place += 1 }
        guard let number = Double(String(decoding: bytes[start..<place], as: UTF8.self)) else {
          throw ScriptError("JSON at \(start)")
        }
        return .number(number)
      }
    }

    mutating func string() throws -> String {
      guard next == UInt8(ascii: "\"") else { throw ScriptError("JSON at \(place)") }
      place += 1
      var result: [UInt8] = []
      while place < bytes.count, next != UInt8(ascii: "\"") {
        guard next == UInt8(ascii: "\\") else {
          result.append(next)
          place += 1
          continue
        }
        let escape = bytes[place + 1]
        place += 2
        switch escape {
        case UInt8(ascii: "n"): result.append(10)
        case UInt8(ascii: "t"): result.append(9)
        case UInt8(ascii: "u"):
          let digits = String(decoding: bytes[place..<(place + 4)], as: UTF8.self)
          place += 4
          if let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) {
            result.append(contentsOf: Array(String(scalar).utf8))
          }
        default: result.append(escape)
        }
      }
      place += 1
      return String(decoding: result, as: UTF8.self)
    }
  }
}
