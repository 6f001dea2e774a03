/// A header's list of tokens with qualities: `gzip;q=0.8, br`.
struct TokenList {
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// True if `token` is in the list (any case) and not refused by a quality of zero.
  func accepts(_ token: UnsafeRawBufferPointer) -> Bool {
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count && bytes[end] != UInt8(ascii: ",") { end += 1 }
      let item = bytes.part(start..<end)
      var nameEnd = 0
      while nameEnd < item.count && item[nameEnd] != UInt8(ascii: ";") { nameEnd += 1 }
      if trimmed(item.part(0..<nameEnd)).equalsIgnoringCase(token) {
        return !isRefused(item.part(nameEnd..<item.count))
      }
      start = end + 1
    }
    return false
  }

  /// `;q=0`, `; q=0.000`: a quality without any digit but zero.
  private func isRefused(_ parameters: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index + 1 < parameters.count {
      if lowercase(parameters[index]) == UInt8(ascii: "q"), parameters[index + 1] == UInt8(ascii: "=") {
        var digit = index + 2
        guard digit < parameters.count else { return false }
        while digit < parameters.count, parameters[digit] != UInt8(ascii: ";") {
          if parameters[digit] > UInt8(ascii: "0") && parameters[digit] <= UInt8(ascii: "9") { return false }
          digit += 1
        }
        return true
      }
      index += 1
    }
    return false
  }

  private func trimmed(_ part: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var lower = 0
    var upper = part.count
    while lower < upper, part[lower] == 0x20 || part[lower] == 0x09 { lower += 1 }
    while upper > lower, part[upper - 1] == 0x20 || part[upper - 1] == 0x09 { upper -= 1 }
    return part.part(lower..<upper)
  }
}
