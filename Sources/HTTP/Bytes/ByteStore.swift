import Glibc

/// A growable run of raw bytes with one owner: request heads, bodies, compressed answers. Grown by `realloc`, never
/// shrunk but by `release`; the bytes lent out are valid until the next mutation.
struct ByteStore: ~Copyable, @unchecked Sendable {
  private(set) var base: UnsafeMutableRawPointer?
  private(set) var capacity = 0
  private(set) var count = 0

  init() {}

  deinit { free(base) }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  mutating func removeAll() { count = 0 }

  /// Makes room for `extra` more bytes; false when the system has no memory.
  mutating func reserve(_ extra: Int) -> Bool {
    if capacity - count >= extra { return true }
    let wanted = max(count + extra, capacity * 2, 256)
    guard let grown = realloc(base, wanted) else { return false }
    base = grown
    capacity = wanted
    return true
  }

  /// As `reserve`, without room to grow: for sizes that are known.
  mutating func reserveExactly(_ total: Int) -> Bool {
    if capacity >= total { return true }
    guard let grown = realloc(base, total) else { return false }
    base = grown
    capacity = total
    return true
  }

  /// False when the system has no memory; nothing is appended then.
  @discardableResult
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let source = bytes.baseAddress, !bytes.isEmpty else { return true }
    guard reserve(bytes.count), let base else { return false }
    (base + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
    return true
  }

  @discardableResult
  mutating func append(_ byte: UInt8) -> Bool {
    guard reserve(1), let base else { return false }
    base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count += 1
    return true
  }

  /// The free room behind the bytes, at least `room` of it (fewer only without memory), for a writer that then
  /// calls `commit`.
  mutating func spare(_ room: Int) -> UnsafeMutableRawBufferPointer {
    guard reserve(room), let base else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    return UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
  }

  mutating func commit(_ written: Int) {
    precondition(written >= 0 && written <= capacity - count)
    count += written
  }

  /// Drops the first `prefix` bytes.
  mutating func removeFirst(_ prefix: Int) {
    precondition(prefix >= 0 && prefix <= count)
    if let base, prefix < count { memmove(base, base + prefix, count - prefix) }
    count -= prefix
  }

  /// Hands the memory over to a caller who frees it, and starts anew.
  mutating func take() -> UnsafeMutableRawBufferPointer {
    let taken = UnsafeMutableRawBufferPointer(start: base, count: count)
    base = nil
    capacity = 0
    count = 0
    return taken
  }

  /// Gives the memory back.
  mutating func release() {
    free(base)
    base = nil
    capacity = 0
    count = 0
  }
}

extension UnsafeRawBufferPointer {
  /// The bytes of a part; empty when the part is.
  func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }

  func equals(_ other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    guard let base = baseAddress, let otherBase = other.baseAddress, count > 0 else { return true }
    return memcmp(base, otherBase, count) == 0
  }

  /// As `equals`, ASCII letters of either case being the same.
  func equalsIgnoringCase(_ other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    for index in 0..<count where lowercase(self[index]) != lowercase(other[index]) { return false }
    return true
  }

  func starts(withASCII text: StaticString) -> Bool {
    let prefix = text.rawBytes
    return count >= prefix.count && part(0..<prefix.count).equals(prefix)
  }

  var string: String { String(decoding: self, as: UTF8.self) }
}

extension [UInt8] {
  func equals(_ other: UnsafeRawBufferPointer) -> Bool { withUnsafeBytes { $0.equals(other) } }
}

extension StaticString {
  var rawBytes: UnsafeRawBufferPointer {
    precondition(hasPointerRepresentation)
    return UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
  }
}

@inline(__always) func lowercase(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
