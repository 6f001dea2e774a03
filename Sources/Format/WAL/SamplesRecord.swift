// Samples of any series, in the order they were accepted:
//
//   2 <1>   base ref <8>   base timestamp <8>   then per sample   ref - base <varint>   t - base <varint>   value <8>
//
// The base is the first sample. Integers and value bits are big endian; varints are zigzag.

/// Encodes samples one after the other; the caller filters as it goes. A value; start a new one per record.
package struct SamplesRecord: Sendable {
  /// A sample at its widest: two varints of ten bytes and the value.
  package static let sampleBytesMax = 28
  package static let headerBytes = 17

  private var baseRef: UInt64 = 0
  private var baseTimestamp: Int64 = 0
  package private(set) var count = 0

  package init() {}

  /// Appends to the record at the end of `output`; the first call writes its header.
  package mutating func append(ref: UInt64, timestamp: Int64, value: Double, to output: inout ByteBuffer) {
    if count == 0 { begin(ref, timestamp, &output) }
    output.write(room: SamplesRecord.sampleBytesMax) { room in
      put(ref, timestamp, value.bitPattern, at: room.baseAddress!)
    }
    count += 1
  }

  /// Appends whole columns of equal length as `append` would, with one check of the room for all.
  package mutating func append(
    refs: UnsafeBufferPointer<UInt64>, timestamps: UnsafeBufferPointer<Int64>, values: UnsafeBufferPointer<Double>,
    to output: inout ByteBuffer
  ) {
    precondition(refs.count == timestamps.count && refs.count == values.count, "columns of different length")
    guard let refs = refs.baseAddress.map({ UnsafeBufferPointer(start: $0, count: refs.count) }), !refs.isEmpty else {
      return
    }
    if count == 0 { begin(refs[0], timestamps[0], &output) }
    output.write(room: refs.count * SamplesRecord.sampleBytesMax) { room in
      let start = room.baseAddress!
      var at = start
      for i in 0..<refs.count { at += put(refs[i], timestamps[i], values[i].bitPattern, at: at) }
      return at - start
    }
    count += refs.count
  }

  private mutating func begin(_ ref: UInt64, _ timestamp: Int64, _ output: inout ByteBuffer) {
    baseRef = ref
    baseTimestamp = timestamp
    output.append(RecordKind.samples.rawValue)
    output.appendBigEndian(ref)
    output.appendBigEndian(timestamp)
  }

  /// Writes one sample and returns its length.
  @inline(__always)
  private func put(
    _ ref: UInt64, _ timestamp: Int64, _ valueBits: UInt64, at start: UnsafeMutableRawPointer
  ) -> Int {
    var at = putVarint(Int64(bitPattern: ref &- baseRef), at: start)
    at = putVarint(timestamp &- baseTimestamp, at: at)
    at.storeBytes(of: valueBits.bigEndian, as: UInt64.self)
    return at + 8 - start
  }

  @inline(__always)
  private func putVarint(_ value: Int64, at start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
    var at = start
    while rest >= 0x80 {
      at.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
      at += 1
      rest >>= 7
    }
    at.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
    return at + 1
  }

  /// Appends the samples of a record without its kind byte; false where it is not valid (then nothing was appended).
  package static func decode(_ body: UnsafeRawBufferPointer, into columns: inout SampleColumns) -> Bool {
    if body.isEmpty { return true }
    var reader = ByteReader(body)
    guard let baseRef = reader.bigEndian(UInt64.self), let baseTimestamp = reader.bigEndian(Int64.self) else {
      return false
    }
    let before = columns.count
    // Ten bytes is the narrowest sample, so this is room for all of them.
    var isValid = true
    columns.write(room: reader.remaining / 10 + 1) { refs, timestamps, values in
      var at = reader.offset
      var count = 0
      while at < body.count {
        guard let refDelta = varint(body, &at), let timestampDelta = varint(body, &at), body.count &- at >= 8 else {
          isValid = false
          break
        }
        refs[count] = baseRef &+ UInt64(bitPattern: refDelta)
        timestamps[count] = baseTimestamp &+ timestampDelta
        values[count] = UInt64(bigEndian: body.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        at &+= 8
        count &+= 1
      }
      return count
    }
    if !isValid { columns.truncate(to: before) }
    return isValid
  }

  /// Zigzag, at most ten bytes; nil where it is cut or longer.
  @inline(__always)
  private static func varint(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Int64? {
    // Samples of one body have neighbouring references and mostly one timestamp: one or two bytes.
    if bytes.count &- at >= 2 {
      let low = UInt64(bytes[at])
      if low < 0x80 {
        at &+= 1
        return unzigzag(low)
      }
      let high = UInt64(bytes[at &+ 1])
      if high < 0x80 {
        at &+= 2
        return unzigzag(low & 0x7f | high &<< 7)
      }
    }
    return longVarint(bytes, &at)
  }

  @inline(__always)
  private static func unzigzag(_ value: UInt64) -> Int64 {
    Int64(bitPattern: value >> 1) ^ (0 &- Int64(bitPattern: value & 1))
  }

  @inline(never)
  private static func longVarint(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Int64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < bytes.count {
      let byte = bytes[at]
      at &+= 1
      value |= UInt64(byte & 0x7f) &<< shift
      if byte < 0x80 {
        if shift == 63 && byte > 1 { return nil }
        return unzigzag(value)
      }
      shift &+= 7
      if shift > 63 { return nil }
    }
    return nil
  }
}
