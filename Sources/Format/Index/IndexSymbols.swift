import Model

/// The symbols of an index, numbered from 0 in the order of their bytes; read in place. Immutable.
/// Memory: four bytes for each eight symbols. (The labels of every series that is found are looked up here.)
package struct IndexSymbols: @unchecked Sendable {
  private static let stride = 8

  /// Behind the count.
  private let bytes: UnsafeRawBufferPointer
  /// Offsets of every eighth symbol.
  private let starts: [UInt32]
  package let count: Int

  /// Reads over all symbols once: each must be whole and behind the one before it.
  init(_ file: UnsafeRawBufferPointer, at offset: Int, before end: Int) throws(IndexDamage) {
    let body = try IndexContents.part("symbols", of: file, at: offset, before: end)
    var reader = ByteReader(body)
    guard let count = reader.bigEndian(UInt32.self) else { throw IndexDamage("the symbols are cut", at: offset) }
    bytes = UnsafeRawBufferPointer(rebasing: body[4...])
    self.count = Int(count)
    var starts: [UInt32] = []
    var previous: UnsafeRawBufferPointer?
    var place = 0
    for number in 0..<Int(count) {
      if number % IndexSymbols.stride == 0 { starts.append(UInt32(place)) }
      guard let symbol = IndexSymbols.symbol(in: bytes, at: &place) else {
        throw IndexDamage("the symbols are cut", at: offset + 8 + place)
      }
      if let previous, compareBytes(previous, symbol) >= 0 {
        throw IndexDamage("the symbols are not sorted", at: offset + 8 + place)
      }
      previous = symbol
    }
    if place != bytes.count { throw IndexDamage("something follows the symbols", at: offset + 8 + place) }
    self.starts = starts
  }

  /// Bytes held in memory.
  package var byteCount: Int { starts.count * 4 }

  package subscript(number: UInt32) -> UnsafeRawBufferPointer? {
    guard let start = start(of: number) else { return nil }
    return symbol(startingAt: start)
  }

  /// The number of a symbol; nil where there is no such.
  package func number(of text: UnsafeRawBufferPointer) -> UInt32? {
    var low = 0
    var high = starts.count
    while low + 1 < high {
      let middle = (low + high) / 2
      guard let symbol = symbol(startingAt: starts[middle]) else { return nil }
      if compareBytes(symbol, text) <= 0 { low = middle } else { high = middle }
    }
    if low >= starts.count { return nil }
    var place = Int(starts[low])
    var number = low * IndexSymbols.stride
    while let symbol = IndexSymbols.symbol(in: bytes, at: &place) {
      let order = compareBytes(symbol, text)
      if order == 0 { return UInt32(number) }
      if order > 0 { return nil }
      number += 1
    }
    return nil
  }

  /// Offset of a symbol, for `symbol(startingAt:)`.
  func start(of number: UInt32) -> UInt32? {
    guard Int(number) < count else { return nil }
    var place = Int(starts[Int(number) / IndexSymbols.stride])
    for _ in 0..<(Int(number) % IndexSymbols.stride) {
      guard IndexSymbols.symbol(in: bytes, at: &place) != nil else { return nil }
    }
    return UInt32(place)
  }

  func symbol(startingAt start: UInt32) -> UnsafeRawBufferPointer? {
    var place = Int(start)
    return IndexSymbols.symbol(in: bytes, at: &place)
  }

  /// Calls `body` for each symbol in order.
  package func forEach<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var cursor = cursor
    while let symbol = cursor.next() { try body(symbol) }
  }

  /// All symbols, one after the other.
  package var cursor: Cursor { Cursor(bytes: bytes) }

  package struct Cursor: @unchecked Sendable {
    fileprivate let bytes: UnsafeRawBufferPointer
    private var place = 0

    fileprivate init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Nil behind the last.
    package mutating func next() -> UnsafeRawBufferPointer? { IndexSymbols.symbol(in: bytes, at: &place) }
  }

  @inline(__always)
  private static func symbol(in bytes: UnsafeRawBufferPointer, at place: inout Int) -> UnsafeRawBufferPointer? {
    guard place < bytes.count else { return nil }
    var length = Int(bytes[place])
    var start = place + 1
    if length >= 0x80 {
      var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[place...]))
      guard let long = reader.uvarint(), long <= UInt64(bytes.count) else { return nil }
      length = Int(long)
      start = place + reader.offset
    }
    guard length <= bytes.count - start else { return nil }
    place = start + length
    return UnsafeRawBufferPointer(rebasing: bytes[start..<place])
  }
}
