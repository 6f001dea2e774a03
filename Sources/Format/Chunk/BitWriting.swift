// Bits are written most significant first. Memory behind the position need not be zero: each write sets the bits it
// owns and clears those behind them within the touched word.

/// Writes the low `count` bits of `value` (1...57) at bit `position` of a run of `capacity` bytes.
/// The caller has made sure that they fit.
@inlinable @inline(__always)
package func writeBits(
  _ value: UInt64, _ count: Int, at position: Int, of base: UnsafeMutablePointer<UInt8>, capacity: Int
) {
  let index = position &>> 3
  let used = position & 7
  let raw = UnsafeMutableRawPointer(base + index)
  if index &+ 8 <= capacity {
    let word = UInt64(bigEndian: raw.loadUnaligned(as: UInt64.self))
    let kept = used == 0 ? 0 : word & ~(UInt64.max &>> UInt64(used))
    let placed = value &<< UInt64(64 &- used &- count)
    raw.storeBytes(of: (kept | placed).bigEndian, as: UInt64.self)
  } else {
    writeBitsAtEnd(value, count, at: position, of: base)
  }
}

/// As `writeBits`, byte by byte, for the last eight bytes of a run.
@usableFromInline
package func writeBitsAtEnd(_ value: UInt64, _ count: Int, at position: Int, of base: UnsafeMutablePointer<UInt8>) {
  var position = position
  var left = count
  while left > 0 {
    let room = 8 &- (position & 7)
    let taken = min(room, left)
    let piece = UInt8(truncatingIfNeeded: (value &>> UInt64(left &- taken)) & ((1 &<< UInt64(taken)) &- 1))
    let index = position &>> 3
    let kept = room == 8 ? 0 : base[index] & ~(UInt8.max &>> UInt8(8 &- room))
    base[index] = kept | (piece &<< UInt8(room &- taken))
    position &+= taken
    left &-= taken
  }
}

/// Writes 64 bits in two parts, since one word holds 57 at any alignment.
@inlinable @inline(__always)
package func write64Bits(_ value: UInt64, at position: Int, of base: UnsafeMutablePointer<UInt8>, capacity: Int) {
  writeBits(value &>> 32, 32, at: position, of: base, capacity: capacity)
  writeBits(value & 0xffff_ffff, 32, at: position &+ 32, of: base, capacity: capacity)
}
