import CShims
import Model

/// SHA-256 (FIPS 180-4) of bytes that come in pieces. A value.
package struct SHA256: Sendable {
  static let blockBytes = 64

  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  /// The bytes behind the last whole block.
  private var rest: [UInt8] = []
  private var byteCount: UInt64 = 0

  package init() {}

  package mutating func update(_ bytes: LentBytes) {
    byteCount += UInt64(bytes.count)
    var bytes = bytes
    if !rest.isEmpty {
      let needed = min(Self.blockBytes - rest.count, bytes.count)
      rest.append(contentsOf: bytes.part(0..<needed))
      bytes = bytes.part(from: needed)
      if rest.count < Self.blockBytes { return }
      let block = rest
      rest.removeAll(keepingCapacity: true)
      block.lend { takeBlocks($0) }
    }
    let whole = bytes.count / Self.blockBytes * Self.blockBytes
    takeBlocks(bytes.part(0..<whole))
    rest.append(contentsOf: bytes.part(from: whole))
  }

  /// The digest of all bytes so far.
  package func digest() -> [UInt8] {
    var last = self
    let bitCount = byteCount &* 8
    var padding: [UInt8] = [0x80]
    while (last.rest.count + padding.count) % Self.blockBytes != Self.blockBytes - 8 { padding.append(0) }
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
      padding.append(UInt8(truncatingIfNeeded: bitCount >> shift))
    }
    padding.lend { last.update($0) }
    return last.state.flatMap { word in
      [
        UInt8(truncatingIfNeeded: word >> 24), UInt8(truncatingIfNeeded: word >> 16),
        UInt8(truncatingIfNeeded: word >> 8),
        UInt8(truncatingIfNeeded: word),
      ]
    }
  }

  private mutating func takeBlocks(_ blocks: LentBytes) {
    guard let start = blocks.raw.baseAddress, !blocks.isEmpty else { return }
    state.withUnsafeMutableBufferPointer {
      apus_sha256_blocks($0.baseAddress, start, blocks.count / Self.blockBytes)
    }
  }

  package static func digest(of bytes: LentBytes) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.digest()
  }

  /// The digest as 64 small hexadecimal digits.
  package static func hexDigest(of bytes: [UInt8]) -> String { hex(bytes.lend { digest(of: $0) }) }

  private static let digits = Array("0123456789abcdef".utf8)

  package static func hex(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension SHA256 {
  /// HMAC (RFC 2104) with SHA-256.
  package static func authenticationCode(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    var block = key.count > blockBytes ? key.lend { digest(of: $0) } : key
    block += Array(repeating: 0, count: blockBytes - block.count)
    var inner = SHA256()
    block.map { $0 ^ 0x36 }.lend { inner.update($0) }
    message.lend { inner.update($0) }
    var outer = SHA256()
    block.map { $0 ^ 0x5c }.lend { outer.update($0) }
    inner.digest().lend { outer.update($0) }
    return outer.digest()
  }
}
