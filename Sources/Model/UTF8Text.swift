/// The rule of UTF-8 over raw bytes, as Go's `utf8.Valid` and Unicode define it: shortest forms only, no surrogates,
/// nothing above U+10FFFF.
package enum UTF8Text {
  package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard var at = bytes.baseAddress else { return true }
    let end = at + bytes.count
    while at < end {
      // Names and values are ASCII nearly always.
      while end - at >= 8 {
        if at.loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { break }
        at += 8
      }
      while at < end, at.load(as: UInt8.self) < 0x80 { at += 1 }
      if at == end { return true }
      let length = sequenceLength(at, end)
      if length == 0 { return false }
      at += length
    }
    return true
  }

  package static func isValid(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { isValid($0) } }

  package static func isValid(_ bytes: LentBytes) -> Bool { isValid(bytes.raw) }

  /// The length of the sequence of two to four bytes that starts at `at`; 0 where it is malformed.
  private static func sequenceLength(_ at: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Int {
    let lead = at.load(as: UInt8.self)
    let length: Int
    // The second byte has a narrower range behind some leads: no overlong forms, no surrogates, no more than U+10FFFF.
    var low: UInt8 = 0x80
    var high: UInt8 = 0xbf
    switch lead {
    case 0xc2...0xdf: length = 2
    case 0xe0...0xef:
      length = 3
      if lead == 0xe0 { low = 0xa0 }
      if lead == 0xed { high = 0x9f }
    case 0xf0...0xf4:
      length = 4
      if lead == 0xf0 { low = 0x90 }
      if lead == 0xf4 { high = 0x8f }
    default: return 0
    }
    guard end - at >= length else { return 0 }
    let second = at.load(fromByteOffset: 1, as: UInt8.self)
    guard second >= low, second <= high else { return 0 }
    for index in 2..<max(length, 2) where at.load(fromByteOffset: index, as: UInt8.self) & 0xc0 != 0x80 { return 0 }
    return length
  }
}
