/// The number of an interned byte string. Dense, from 0, which is always the empty string.
package typealias SymbolID = UInt32

// The bytes of interned strings. Append-only: neither a byte nor the place of a symbol changes once it is there, so a
// thread that learned an id (under the lock of the table) may read it without any lock for as long as it holds the arena.
// Written by its one `SymbolTable` only. Ids that mean nothing, as a sweep leaves them, read as the empty string until they
// are given out again.
//
//   block       1 MiB of: length (uvarint) bytes, repeated; a string above 64 KiB has a block of its own
//   location    block index (12 bits) offset in the block (20 bits), one for each id, in pieces of 64 Ki ids
final class SymbolArena: @unchecked Sendable {
  static let blockBytes = 1 << 20
  static let blockCountMax = 1 << 12
  static let sharedBlockStringBytesMax = 1 << 16
  private static let pieceShift = 16
  private static let pieceCount = 1 << pieceShift

  // Both directories have their final size from the start, so that readers never see them move; the pages that nobody
  // wrote to take no memory.
  private let blocks: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let pieces: UnsafeMutablePointer<UnsafeMutablePointer<UInt32>?>
  private var blockCount = 0
  private var pieceCount = 0
  private var openBlock = -1
  private var openOffset = 0
  /// Ids below it are symbols, or free.
  private(set) var count = 0
  /// Ids without a symbol, to be given out first.
  private var free: [SymbolID] = []
  /// Memory in use, without the parts of blocks that were never written.
  private(set) var byteCount = 0

  init() {
    blocks = .allocate(capacity: SymbolArena.blockCountMax)
    pieces = .allocate(capacity: 1 << (32 - SymbolArena.pieceShift))
  }

  deinit {
    for index in 0..<blockCount { blocks[index]?.deallocate() }
    for index in 0..<pieceCount { if let piece = pieces[index] { ZeroedMemory.free(piece) } }
    blocks.deallocate()
    pieces.deallocate()
  }

  var symbolCount: Int { count - free.count }

  /// Copies `bytes` in; nil if the arena is full (4,096 blocks, or all ids used).
  func append(_ bytes: UnsafeRawBufferPointer, reusesIDs: Bool = true) -> SymbolID? {
    let reused = reusesIDs ? free.last : nil
    guard count < Int(UInt32.max) - 1 || reused != nil else { return nil }
    let id = reused ?? SymbolID(truncatingIfNeeded: count)
    guard put(bytes, at: id) else { return nil }
    if reused == nil { count += 1 } else { free.removeLast() }
    return id
  }

  /// An arena with some of the symbols below a limit under the ids they have. Reads this one only.
  func copy(below limit: Int, where isKept: (SymbolID) -> Bool) -> SymbolArena {
    let copy = SymbolArena()
    for id in 0..<SymbolID(limit) where isKept(id) || id == 0 { copy.keep(bytes(of: id), as: id) }
    copy.count = max(copy.count, limit)
    for id in (1..<SymbolID(max(limit, 1))).reversed() where !isKept(id) { copy.free.append(id) }
    return copy
  }

  /// A symbol of another arena that had room for it.
  func keep(_ bytes: UnsafeRawBufferPointer, as id: SymbolID) {
    guard put(bytes, at: id) else { preconditionFailure("a part is larger than the whole") }
    count = max(count, Int(id) + 1)
  }

  private func put(_ bytes: UnsafeRawBufferPointer, at id: SymbolID) -> Bool {
    let prefix = SymbolArena.prefixBytes(bytes.count)
    guard let (block, offset) = reserve(prefix + bytes.count) else { return false }
    guard let base = blocks[block] else { return false }
    var at = base + offset
    var rest = bytes.count
    while rest >= 0x80 {
      at.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
      at += 1
      rest >>= 7
    }
    at.storeBytes(of: UInt8(rest), as: UInt8.self)
    if let source = bytes.baseAddress { (at + 1).copyMemory(from: source, byteCount: bytes.count) }

    let piece = Int(id) >> SymbolArena.pieceShift
    while piece >= pieceCount {
      // Zero is the place of the empty string, the first there is.
      (pieces + pieceCount).initialize(to: ZeroedMemory.make(SymbolArena.pieceCount))
      pieceCount += 1
    }
    pieces[piece]?[Int(id) & (SymbolArena.pieceCount - 1)] = UInt32(block) << 20 | UInt32(offset)
    byteCount += prefix + bytes.count + MemoryLayout<UInt32>.size
    return true
  }

  /// The bytes of a symbol, valid while the arena lives.
  @inline(__always) func bytes(of id: SymbolID) -> UnsafeRawBufferPointer {
    let index = Int(id)
    let location = pieces[index >> SymbolArena.pieceShift].unsafelyUnwrapped[index & (SymbolArena.pieceCount - 1)]
    let base = UnsafeRawPointer(blocks[Int(location >> 20)].unsafelyUnwrapped + Int(location & 0xf_ffff))
    let first = base.load(as: UInt8.self)
    if first < 0x80 { return UnsafeRawBufferPointer(start: base + 1, count: Int(first)) }
    return SymbolArena.long(base)
  }

  private static func long(_ base: UnsafeRawPointer) -> UnsafeRawBufferPointer {
    var at = base
    var length = 0
    var shift = 0
    while true {
      let byte = at.load(as: UInt8.self)
      at += 1
      length |= Int(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 { return UnsafeRawBufferPointer(start: at, count: length) }
    }
  }

  private func reserve(_ size: Int) -> (block: Int, offset: Int)? {
    if size > SymbolArena.sharedBlockStringBytesMax {
      guard let block = addBlock(size) else { return nil }
      return (block, 0)
    }
    if openBlock < 0 || SymbolArena.blockBytes - openOffset < size {
      guard let block = addBlock(SymbolArena.blockBytes) else { return nil }
      openBlock = block
      openOffset = 0
    }
    defer { openOffset += size }
    return (openBlock, openOffset)
  }

  private func addBlock(_ size: Int) -> Int? {
    guard blockCount < SymbolArena.blockCountMax else { return nil }
    (blocks + blockCount).initialize(to: .allocate(byteCount: size, alignment: 16))
    blockCount += 1
    return blockCount - 1
  }

  private static func prefixBytes(_ length: Int) -> Int {
    length < 0x80 ? 1 : (64 - length.leadingZeroBitCount + 6) / 7
  }
}

/// Reads symbols without the lock of their table: those that existed when the reader was made, and any id learned later
/// under that lock. Keeps the bytes alive, also past a sweep.
package struct SymbolReader: Sendable {
  let arena: SymbolArena

  /// Lends the bytes of a symbol.
  @inline(__always)
  package func withBytes<Result, Failure: Error>(
    of id: SymbolID, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(arena) {} }
    return try body(arena.bytes(of: id))
  }

  package func text(of id: SymbolID) -> String { withBytes(of: id) { String(decoding: $0, as: UTF8.self) } }
}
