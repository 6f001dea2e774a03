import Format

/// An input taken apart: small numbers first, then parts with a length before them. What is missing reads as zero or as an
/// empty part, so that every input means something. A value.
struct FuzzInput {
  private(set) var rest: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  var isEmpty: Bool { rest.isEmpty }

  mutating func byte() -> UInt8 {
    guard let first = rest.first else { return 0 }
    rest = UnsafeRawBufferPointer(rebasing: rest[1...])
    return first
  }

  mutating func number16() -> Int { Int(byte()) << 8 | Int(byte()) }

  mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
    let part = UnsafeRawBufferPointer(rebasing: rest[..<min(count, rest.count)])
    rest = UnsafeRawBufferPointer(rebasing: rest[part.count...])
    return part
  }

  /// Two bytes of length, then as many bytes as there are of it.
  mutating func part() -> UnsafeRawBufferPointer {
    let count = number16()
    return take(count)
  }

  /// The next line, without its end.
  mutating func line() -> String {
    let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.count
    let line = take(end)
    _ = take(1)
    return String(decoding: line, as: UTF8.self)
  }
}

extension [UInt8] {
  /// As `FuzzInput.part` reads it.
  var asPart: [UInt8] { [UInt8(count >> 8 & 0xff), UInt8(count & 0xff)] + prefix(0xffff) }
}

/// Changes single bytes: three bytes of place and one to combine with what is there.
enum FuzzEdits {
  /// More changes make nothing new.
  private static let bytesMax = 64

  static func apply(_ edits: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    if bytes.isEmpty { return }
    for start in stride(from: 0, to: min(edits.count & ~3, bytesMax), by: 4) {
      let place = Int(edits[start]) << 16 | Int(edits[start + 1]) << 8 | Int(edits[start + 2])
      bytes[place % bytes.count] ^= edits[start + 3]
    }
  }
}
