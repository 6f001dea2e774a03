extension XORChunk {
  /// Appends the sample at `time` (later than the tail's, by less than 2^32 ms) to a chunk of at least one sample whose
  /// bytes lie at `base`. False, and nothing changed, where `capacity` bytes do not hold it.
  @inlinable @inline(__always)
  package static func append(
    time: Int64, value: UInt64, to tail: inout XORTail, at base: UnsafeMutablePointer<UInt8>, capacity: Int
  ) -> Bool {
    let delta = time &- tail.lastTime
    var position = Int(tail.bitCount)
    let difference = value ^ tail.lastValue

    // The time first: how many bits, and which.
    let timeBits: UInt64
    let timeWidth: Int
    let second = delta &- Int64(tail.timeDelta)
    if tail.count == 1 {
      return appendSecond(delta: UInt64(delta), value: value, time: time, to: &tail, at: base, capacity: capacity)
    } else if second == 0 {
      timeBits = 0
      timeWidth = 1
    } else if second >= -8191 && second <= 8192 {
      timeBits = 0b10 &<< 14 | UInt64(bitPattern: second) & 0x3fff
      timeWidth = 16
    } else if second >= -65535 && second <= 65536 {
      timeBits = 0b110 &<< 17 | UInt64(bitPattern: second) & 0x1ffff
      timeWidth = 20
    } else if second >= -524287 && second <= 524288 {
      timeBits = 0b1110 &<< 20 | UInt64(bitPattern: second) & 0xfffff
      timeWidth = 24
    } else {
      timeBits = UInt64(bitPattern: second)
      timeWidth = 68
    }

    if difference == 0 {
      guard position &+ timeWidth &+ 1 <= capacity &<< 3 else { return false }
      if timeWidth <= 24 {
        writeBits(timeBits &<< 1, timeWidth &+ 1, at: position, of: base, capacity: capacity)
      } else {
        writeBits(0b1111, 4, at: position, of: base, capacity: capacity)
        write64Bits(timeBits, at: position &+ 4, of: base, capacity: capacity)
        writeBits(0, 1, at: position &+ 68, of: base, capacity: capacity)
      }
      position &+= timeWidth &+ 1
    } else {
      let window = Window(of: difference, after: tail)
      guard position &+ timeWidth &+ window.width <= capacity &<< 3 else { return false }
      if timeWidth <= 24 {
        writeBits(timeBits, timeWidth, at: position, of: base, capacity: capacity)
      } else {
        writeBits(0b1111, 4, at: position, of: base, capacity: capacity)
        write64Bits(timeBits, at: position &+ 4, of: base, capacity: capacity)
      }
      position &+= timeWidth
      window.write(difference, to: &tail, at: position, of: base, capacity: capacity)
      position &+= window.width
    }
    tail.timeDelta = UInt32(truncatingIfNeeded: delta)
    tail.bitCount = UInt16(truncatingIfNeeded: position)
    finish(time: time, value: value, &tail, base)
    return true
  }

  /// How the changed bits of a value are written: in the window before, or with a window of their own.
  @frozen @usableFromInline
  struct Window {
    @usableFromInline let leading: Int
    @usableFromInline let trailing: Int
    @usableFromInline let isNew: Bool

    @inlinable @inline(__always)
    init(of difference: UInt64, after tail: XORTail) {
      let leading = min(difference.leadingZeroBitCount, 31)
      let trailing = difference.trailingZeroBitCount
      isNew = tail.leading == XORChunk.noWindow || leading < Int(tail.leading) || trailing < Int(tail.trailing)
      self.leading = isNew ? leading : Int(tail.leading)
      self.trailing = isNew ? trailing : Int(tail.trailing)
    }

    @inlinable @inline(__always) var meaningful: Int { 64 &- leading &- trailing }
    @inlinable @inline(__always) var width: Int { (isNew ? 13 : 2) &+ meaningful }

    @inlinable @inline(__always)
    func write(
      _ difference: UInt64, to tail: inout XORTail, at position: Int, of base: UnsafeMutablePointer<UInt8>,
      capacity: Int
    ) {
      let bits = difference &>> UInt64(trailing)
      var position = position
      if isNew {
        // A width of 64 is written as 0, which no other value needs.
        let head = 0b11 &<< 11 | UInt64(leading) &<< 6 | UInt64(meaningful & 63)
        writeBits(head, 13, at: position, of: base, capacity: capacity)
        position &+= 13
        tail.leading = UInt8(truncatingIfNeeded: leading)
        tail.trailing = UInt8(truncatingIfNeeded: trailing)
      } else {
        writeBits(0b10, 2, at: position, of: base, capacity: capacity)
        position &+= 2
      }
      if meaningful <= 56 {
        writeBits(bits, meaningful, at: position, of: base, capacity: capacity)
      } else {
        let upper = meaningful &- 32
        writeBits(bits &>> 32, upper, at: position, of: base, capacity: capacity)
        writeBits(bits & 0xffff_ffff, 32, at: position &+ upper, of: base, capacity: capacity)
      }
    }
  }

  /// Starts a chunk with its first sample; `capacity` must be at least 20.
  @inlinable
  package static func start(
    time: Int64, value: UInt64, tail: inout XORTail, at base: UnsafeMutablePointer<UInt8>, capacity: Int
  ) {
    tail = XORTail()
    var offset = headerBytes
    let zigzag = UInt64(bitPattern: (time &<< 1) ^ (time &>> 63))
    offset &+= writeUvarint(zigzag, at: base + offset)
    write64Bits(value, at: offset &* 8, of: base, capacity: capacity)
    tail.bitCount = UInt16(truncatingIfNeeded: (offset &+ 8) &* 8)
    finish(time: time, value: value, &tail, base)
  }

  /// The bits of a chunk of `count` equal values at equal distances: how many there are.
  @inlinable
  package static func constantBitCount(firstTime: Int64, timeDelta: UInt32, count: Int) -> Int {
    let zigzag = UInt64(bitPattern: (firstTime &<< 1) ^ (firstTime &>> 63))
    let first = (headerBytes &+ uvarintBytes(zigzag) &+ 8) &* 8
    return count < 2 ? first : first &+ uvarintBytes(UInt64(timeDelta)) &* 8 &+ 1 &+ 2 &* (count &- 2)
  }

  /// Writes a chunk of `tail.count` samples of `tail.lastValue`, `tail.timeDelta` apart, the last at `tail.lastTime`.
  /// False where `capacity` is too small.
  @inlinable
  package static func writeConstant(
    tail: inout XORTail, firstTime: Int64, at base: UnsafeMutablePointer<UInt8>, capacity: Int
  ) -> Bool {
    let count = Int(tail.count)
    let bits = constantBitCount(firstTime: firstTime, timeDelta: tail.timeDelta, count: count)
    guard capacity >= 20, bits <= capacity &<< 3 else { return false }
    var written = XORTail()
    start(time: firstTime, value: tail.lastValue, tail: &written, at: base, capacity: capacity)
    if count >= 2 {
      var offset = Int(written.bitCount) &>> 3
      offset &+= writeUvarint(UInt64(tail.timeDelta), at: base + offset)
      let end = (bits &+ 7) &>> 3
      (base + offset).initialize(repeating: 0, count: end &- offset)
    }
    tail.bitCount = UInt16(truncatingIfNeeded: bits)
    tail.leading = noWindow
    tail.trailing = 0
    writeCount(tail.count, base)
    return true
  }

  /// The second sample writes its delta as a uvarint at a byte border.
  @usableFromInline
  package static func appendSecond(
    delta: UInt64, value: UInt64, time: Int64, to tail: inout XORTail, at base: UnsafeMutablePointer<UInt8>,
    capacity: Int
  ) -> Bool {
    let difference = value ^ tail.lastValue
    let window = Window(of: difference, after: tail)
    let valueWidth = difference == 0 ? 1 : window.width
    let deltaBytes = uvarintBytes(delta)
    var position = Int(tail.bitCount)
    guard position &+ deltaBytes &* 8 &+ valueWidth <= capacity &<< 3 else { return false }
    _ = writeUvarint(delta, at: base + position &>> 3)
    position &+= deltaBytes &* 8
    if difference == 0 {
      writeBits(0, 1, at: position, of: base, capacity: capacity)
    } else {
      window.write(difference, to: &tail, at: position, of: base, capacity: capacity)
    }
    tail.timeDelta = UInt32(truncatingIfNeeded: delta)
    tail.bitCount = UInt16(truncatingIfNeeded: position &+ valueWidth)
    finish(time: time, value: value, &tail, base)
    return true
  }

  @inlinable @inline(__always)
  static func finish(time: Int64, value: UInt64, _ tail: inout XORTail, _ base: UnsafeMutablePointer<UInt8>) {
    tail.lastTime = time
    tail.lastValue = value
    tail.count &+= 1
    writeCount(tail.count, base)
  }

  @inlinable @inline(__always)
  static func writeCount(_ count: UInt16, _ base: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(base).storeBytes(of: count.bigEndian, as: UInt16.self)
  }

  @inlinable
  static func uvarintBytes(_ value: UInt64) -> Int {
    value == 0 ? 1 : (70 &- value.leadingZeroBitCount) / 7
  }

  @inlinable
  static func writeUvarint(_ value: UInt64, at base: UnsafeMutablePointer<UInt8>) -> Int {
    var rest = value
    var offset = 0
    while rest >= 0x80 {
      base[offset] = UInt8(truncatingIfNeeded: rest) | 0x80
      offset &+= 1
      rest &>>= 7
    }
    base[offset] = UInt8(truncatingIfNeeded: rest)
    return offset &+ 1
  }
}
