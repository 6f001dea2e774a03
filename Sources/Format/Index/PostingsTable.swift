import Model

/// Which labels there are in an index, and where the list of the series of each stands. Sorted by name, then value; read in
/// place. Immutable. Memory: four bytes for each 32 values of a name, twelve more for each name.
package struct PostingsTable: @unchecked Sendable {
  private static let stride = 32

  private struct Name {
    /// The first of its entries.
    var start: UInt32
    var firstSample: UInt32
    var valueCount: UInt32
  }

  private struct Entry {
    var name: UnsafeRawBufferPointer
    var value: UnsafeRawBufferPointer
    var postings: Int
    var end: Int
  }

  /// Behind the count.
  private let bytes: UnsafeRawBufferPointer
  private let names: [Name]
  /// Offsets of every 32nd entry of a name, from its first on.
  private let samples: [UInt32]

  /// Reads over the table once: each entry must be whole and behind the one before it.
  init(_ file: UnsafeRawBufferPointer, at offset: Int, before end: Int) throws(IndexDamage) {
    let body = try IndexContents.part("table of postings", of: file, at: offset, before: end)
    var reader = ByteReader(body)
    guard let count = reader.bigEndian(UInt32.self) else {
      throw IndexDamage("the table of postings is cut", at: offset)
    }
    bytes = UnsafeRawBufferPointer(rebasing: body[4...])
    var names: [Name] = []
    var samples: [UInt32] = []
    var previous: Entry?
    var place = 0
    for _ in 0..<count {
      guard let entry = PostingsTable.entry(in: bytes, at: place) else {
        throw IndexDamage("the table of postings is cut", at: offset + 8 + place)
      }
      let order = previous.map { compareBytes($0.name, entry.name) } ?? -1
      if order > 0 || order == 0 && previous.map({ compareBytes($0.value, entry.value) >= 0 }) ?? false {
        throw IndexDamage("the table of postings is not sorted", at: offset + 8 + place)
      }
      if order != 0 {
        names.append(Name(start: UInt32(place), firstSample: UInt32(samples.count), valueCount: 0))
      }
      let valueCount = names[names.count - 1].valueCount
      if Int(valueCount) % PostingsTable.stride == 0 { samples.append(UInt32(place)) }
      names[names.count - 1].valueCount = valueCount + 1
      place = entry.end
      previous = entry
    }
    if place != bytes.count { throw IndexDamage("something follows the table of postings", at: offset + 8 + place) }
    self.names = names
    self.samples = samples
  }

  /// Bytes held in memory.
  package var byteCount: Int { names.count * MemoryLayout<Name>.stride + samples.count * 4 }

  /// How many label names there are; the list of all series counts as one, with the empty name.
  package var nameCount: Int { names.count }

  package func name(_ place: Int) -> UnsafeRawBufferPointer {
    PostingsTable.entry(in: bytes, at: Int(names[place].start))?.name ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }

  package func valueCount(_ place: Int) -> Int { Int(names[place].valueCount) }

  /// The place of a name; nil where no series has it.
  package func place(of name: UnsafeRawBufferPointer) -> Int? {
    var low = 0
    var high = names.count
    while low < high {
      let middle = (low + high) / 2
      let order = compareBytes(self.name(middle), name)
      if order == 0 { return middle }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  package func place(of name: String) -> Int? { name.lend { place(of: $0.raw) } }

  /// Offset of the list of a value; nil where no series has the value.
  package func postings(_ place: Int, _ value: UnsafeRawBufferPointer) -> Int? {
    var found: Int?
    forEachValue(place, from: value) { candidate, postings in
      if equalBytes(candidate, value) { found = postings }
      return false
    }
    return found
  }

  /// Calls `body` for the values of a name in order, from the first that is not below `least`, until it returns false.
  package func forEachValue<Failure: Error>(
    _ place: Int, from least: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    _ body: (_ value: UnsafeRawBufferPointer, _ postings: Int) throws(Failure) -> Bool
  ) throws(Failure) {
    let name = names[place]
    var left = Int(name.valueCount)
    var offset = Int(name.start)
    if !least.isEmpty {
      // The last sampled value that is not above `least`.
      var low = 0
      var high = (left + PostingsTable.stride - 1) / PostingsTable.stride
      while low + 1 < high {
        let middle = (low + high) / 2
        let sample = Int(samples[Int(name.firstSample) + middle])
        guard let entry = PostingsTable.entry(in: bytes, at: sample) else { return }
        if compareBytes(entry.value, least) <= 0 { low = middle } else { high = middle }
      }
      offset = Int(samples[Int(name.firstSample) + low])
      left -= low * PostingsTable.stride
    }
    var isBelow = !least.isEmpty
    while left > 0, let entry = PostingsTable.entry(in: bytes, at: offset) {
      offset = entry.end
      left -= 1
      if isBelow && compareBytes(entry.value, least) < 0 { continue }
      isBelow = false
      if try !body(entry.value, entry.postings) { return }
    }
  }

  @inline(__always)
  private static func entry(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Entry? {
    guard offset < bytes.count else { return nil }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
    guard reader.byte() == 2, let nameLength = reader.uvarint(), nameLength <= UInt64(bytes.count),
      let name = reader.take(Int(nameLength)), let valueLength = reader.uvarint(), valueLength <= UInt64(bytes.count),
      let value = reader.take(Int(valueLength)), let postings = reader.uvarint()
    else { return nil }
    return Entry(name: name, value: value, postings: Int(clamping: postings), end: offset + reader.offset)
  }
}
