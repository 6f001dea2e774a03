/// The end of a request's body, as its headers give it. A value.
enum BodyFraming: Equatable {
  case none
  case sized(Int)
  case chunked
  case malformed(String)
}

extension RequestHead {
  /// Two ways to see the body's end are refused: a proxy may have seen the other one.
  var framing: BodyFraming {
    var length: Int?
    var isChunked = false
    var hostCount = 0
    for field in fields {
      let name = self[field.name]
      let value = self[field.value]
      switch name.count {
      case 4 where name.equalsIgnoringCase(("host" as StaticString).rawBytes): hostCount += 1
      case 14 where name.equalsIgnoringCase(("content-length" as StaticString).rawBytes):
        guard let bytes = Self.decimal(value), length == nil || length == bytes else {
          return .malformed("the header Content-Length is malformed")
        }
        length = bytes
      case 17 where name.equalsIgnoringCase(("transfer-encoding" as StaticString).rawBytes):
        guard !isChunked, value.equalsIgnoringCase(("chunked" as StaticString).rawBytes) else {
          return .malformed("the only Transfer-Encoding understood is chunked")
        }
        isChunked = true
      default: break
      }
    }
    if hostCount > 1 { return .malformed("more than one header Host") }
    if isChunked { return length == nil ? .chunked : .malformed("both Content-Length and Transfer-Encoding") }
    return length.map { .sized($0) } ?? .none
  }

  private static func decimal(_ text: some Collection<UInt8>) -> Int? {
    if text.isEmpty || text.count > 18 { return nil }
    var value = 0
    for byte in text {
      guard byte >= 0x30 && byte <= 0x39 else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    return value
  }
}
