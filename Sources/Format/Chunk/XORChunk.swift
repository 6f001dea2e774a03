// The chunk encoding of the Gorilla paper as Prometheus lays it out (encoding 1):
//
//   count       u16, big-endian
//   sample 0    varint t, 64 bits of value
//   sample 1    uvarint t delta, value bits
//   sample n    delta-of-delta bits, value bits
//
//   delta of delta   0 | 10 + 14 bits | 110 + 17 bits | 1110 + 20 bits | 1111 + 64 bits
//   value            0 (same) | 10 + meaningful bits in the window before | 11 + 5 leading + 6 width + bits
//
// The writer is a pure function of a small tail (`XORTail`) and the memory of the chunk; who owns that memory decides
// how it grows. The reader decodes a whole chunk into columns.

@usableFromInline
package enum XORChunk {
  package static let encoding: UInt8 = 1
  /// Bytes before the first sample.
  @inlinable package static var headerBytes: Int { 2 }
  /// The most bits one more sample can take: 4 + 64 for the time, 13 + 64 for the value.
  @inlinable package static var sampleBitsMax: Int { 145 }
  /// No window of meaningful bits has been written yet.
  @inlinable package static var noWindow: UInt8 { 0xff }
}

/// The state of a writer at the end of a chunk. Trivial, 26 bytes, part of the series' hot record.
@frozen
@usableFromInline
package struct XORTail: Sendable {
  @usableFromInline package var lastTime: Int64
  @usableFromInline package var lastValue: UInt64
  /// The distance of the last two samples; the caller cuts a chunk before it outgrows 32 bits.
  @usableFromInline package var timeDelta: UInt32
  /// Bits written, header included.
  @usableFromInline package var bitCount: UInt16
  @usableFromInline package var count: UInt16
  @usableFromInline package var leading: UInt8
  @usableFromInline package var trailing: UInt8

  @inlinable
  package init(
    lastTime: Int64 = 0, lastValue: UInt64 = 0, timeDelta: UInt32 = 0, bitCount: UInt16 = 0, count: UInt16 = 0,
    leading: UInt8 = XORChunk.noWindow, trailing: UInt8 = 0
  ) {
    self.lastTime = lastTime
    self.lastValue = lastValue
    self.timeDelta = timeDelta
    self.bitCount = bitCount
    self.count = count
    self.leading = leading
    self.trailing = trailing
  }

  /// Bytes that hold the bits written so far.
  @inlinable package var byteCount: Int { (Int(bitCount) &+ 7) &>> 3 }
}
