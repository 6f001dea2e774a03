import Format
import Model
import Platform

/// Writes the file `index` of a block from its beginning to its end (layout: `IndexLayout`): symbols, series, then the
/// postings it gathered from them. Owned by one thread.
///
/// Memory: four bytes for each symbol, what `PostingsGathering` holds, sixteen bytes for each label value.
struct IndexFileWriter: ~Copyable {
  private let file: AppendFile
  private let disk: any Disk
  private var pending = ByteBuffer(capacity: 512 << 10)
  private var scratch = ByteBuffer(capacity: 4096)
  /// Offsets of the symbols, from the start of the file.
  private var symbols = Column<UInt32>(capacity: 1024)
  private var lastSymbol: [UInt8] = []
  private var postings = PostingsGathering()
  private var table: [TableEntry] = []
  private var offsets = Offsets()
  private var previousLabels: [UInt32] = []
  private(set) var seriesCount = 0

  private struct TableEntry {
    var name: UInt32
    var value: UInt32
    var offset: UInt64
  }

  private struct Offsets {
    var symbols = 0
    var series = 0
    var postings = 0
    var table = 0
  }

  /// The list of all series has no symbols.
  private static var noSymbol: UInt32 { .max }
  private static var flushBytes: Int { 256 << 10 }

  init(_ path: String, on disk: any Disk) throws(BlockError) {
    self.disk = disk
    file = try BlockError.wrap { () throws(DiskError) in try AppendFile(path, on: disk, .create) }
    pending.appendBigEndian(IndexLayout.magic)
    pending.append(IndexLayout.version)
    offsets.symbols = size
    pending.appendBigEndian(UInt64(0))
  }

  private var size: Int { file.size + pending.count }
  var byteCount: Int { size }

  /// Adds a symbol. Symbols come in the order of their bytes, each once; they are numbered from 0.
  mutating func addSymbol(_ bytes: UnsafeRawBufferPointer) throws(BlockError) {
    if symbols.count > 0 && compare(lastSymbol, bytes) >= 0 { throw .misused("symbols are out of order") }
    guard offsets.series == 0 else { throw .misused("a symbol comes behind a series") }
    guard let start = UInt32(exactly: size), symbols.count < Int(UInt32.max) else {
      throw .tooLarge("the symbols of a block exceed 4 GiB")
    }
    symbols.append(start)
    lastSymbol.removeAll(keepingCapacity: true)
    lastSymbol.append(contentsOf: bytes)
    pending.appendUvarint(UInt64(bytes.count))
    pending.append(bytes)
    try flushIfLarge()
  }

  private func compare(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Int {
    left.withUnsafeBytes { compareBytes($0, right) }
  }

  /// Appends a series: symbol numbers of names and values in alternation, in the order of the names; series come in the order
  /// of their labels. Returns the series' reference.
  mutating func addSeries(
    _ labels: UnsafeBufferPointer<UInt32>, _ chunks: UnsafeBufferPointer<ChunkMeta>
  ) throws(BlockError) -> UInt32 {
    if offsets.series == 0 { try finishSymbols() }
    if seriesCount > 0 && !previousLabels.lexicographicallyPrecedes(labels) {
      throw .misused("series are out of order")
    }
    for symbol in labels where Int(symbol) >= symbols.count { throw .misused("an unknown symbol") }
    previousLabels.removeAll(keepingCapacity: true)
    previousLabels.append(contentsOf: labels)
    align(to: IndexLayout.seriesAlignment)
    guard let number = UInt32(exactly: size / IndexLayout.seriesAlignment) else {
      throw .tooLarge("the index of a block exceeds 64 GiB")
    }
    SeriesEntry.append(labels: labels.span, chunks: chunks.span, scratch: &scratch, to: &pending)
    postings.add(number, labels: labels)
    seriesCount += 1
    try flushIfLarge()
    return number
  }

  /// Writes the rest and returns when the file is durable.
  mutating func finish() throws(BlockError) {
    if offsets.series == 0 { try finishSymbols() }
    try writePostings()
    try writeTable()
    try writeContents()
    try flush()
    try BlockError.wrap { () throws(DiskError) in
      try file.sync()
      try file.close()
    }
  }

  /// Leaves the file as it is; its folder is going to be removed.
  mutating func abandon() {
    pending.removeAll()
    try? file.file.close()
  }

  private mutating func finishSymbols() throws(BlockError) {
    try seal(offsets.symbols, count: symbols.count)
    align(to: IndexLayout.seriesAlignment)
    offsets.series = size
  }

  /// Fills in length and count of the section that began at `start` and ends here, and appends its checksum. What was
  /// written is read once more: sections do not fit into memory.
  private mutating func seal(_ start: Int, count: Int) throws(BlockError) {
    guard let length = UInt32(exactly: size - start - 4), let count = UInt32(exactly: count) else {
      throw .tooLarge("a section of an index exceeds 4 GiB")
    }
    try flush()
    scratch.removeAll()
    scratch.appendBigEndian(length)
    scratch.appendBigEndian(count)
    let head = scratch.bytes
    let file = file.file
    let end = self.file.size
    let crc = try BlockError.wrap { () throws(DiskError) -> UInt32 in
      try file.write(head, at: start)
      return try IndexFileWriter.checksum(of: file, from: start + 4, to: end)
    }
    pending.appendBigEndian(crc)
  }

  private static func checksum(of file: any DiskFile, from start: Int, to end: Int) throws(DiskError) -> UInt32 {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: flushBytes, alignment: 16)
    defer { buffer.deallocate() }
    var crc: UInt32 = 0
    var offset = start
    while offset < end {
      let wanted = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, end - offset)])
      let count = try file.read(into: wanted, at: offset)
      if count == 0 { throw DiskError(operation: "read", path: file.path, code: 5) }
      crc = Format.checksum(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(wanted)[..<count]), continuing: crc)
      offset += count
    }
    return crc
  }

  private mutating func writePostings() throws(BlockError) {
    align(to: IndexLayout.postingsAlignment)
    offsets.postings = size
    try writeList(IndexFileWriter.noSymbol, IndexFileWriter.noSymbol, postings.everySeries)
    for name in postings.names {
      // Taken out, so that the lists of a name go while the others wait.
      var gathering = PostingsGathering()
      swap(&gathering, &postings)
      defer { swap(&gathering, &postings) }
      try gathering.take(name) { (value, series) throws(BlockError) in try writeList(name, value, series) }
    }
  }

  private mutating func writeList(
    _ name: UInt32, _ value: UInt32, _ series: UnsafeBufferPointer<UInt32>
  ) throws(BlockError) {
    align(to: IndexLayout.postingsAlignment)
    table.append(TableEntry(name: name, value: value, offset: UInt64(size)))
    guard let length = UInt32(exactly: 4 * (series.count + 1)) else {
      throw .tooLarge("a block holds too many series")
    }
    pending.appendBigEndian(length)
    let start = pending.count
    pending.appendBigEndian(UInt32(series.count))
    pending.write(room: 4 * series.count) { room in
      for place in 0..<series.count {
        room.storeBytes(of: series[place].bigEndian, toByteOffset: 4 * place, as: UInt32.self)
      }
      return 4 * series.count
    }
    let crc = Format.checksum(UnsafeRawBufferPointer(rebasing: pending.bytes[start...]))
    pending.appendBigEndian(crc)
    try flushIfLarge()
  }

  private mutating func writeTable() throws(BlockError) {
    try flush()
    let path = file.path
    let disk = disk
    let mapped = try BlockError.wrap { () throws(DiskError) in try disk.map(path) }
    offsets.table = size
    pending.appendBigEndian(UInt64(0))
    for entry in table {
      pending.append(CollectionOfOne(2))
      appendSymbol(entry.name, of: mapped)
      appendSymbol(entry.value, of: mapped)
      pending.appendUvarint(entry.offset)
      try flushIfLarge()
    }
    try seal(offsets.table, count: table.count)
  }

  /// Copies a symbol with its length, as it stands in the symbols.
  private mutating func appendSymbol(_ number: UInt32, of file: MappedFile) {
    if number == IndexFileWriter.noSymbol { return pending.appendUvarint(0) }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: file.bytes[Int(symbols[Int(number)])...]))
    guard let length = reader.uvarint(), let bytes = reader.take(Int(length)) else { return pending.appendUvarint(0) }
    pending.appendUvarint(length)
    pending.append(bytes)
  }

  private mutating func writeContents() throws(BlockError) {
    let start = pending.count
    for offset in [offsets.symbols, offsets.series, 0, 0, offsets.postings, offsets.table] {
      pending.appendBigEndian(UInt64(offset))
    }
    let crc = Format.checksum(UnsafeRawBufferPointer(rebasing: pending.bytes[start...]))
    pending.appendBigEndian(crc)
  }

  private mutating func align(to alignment: Int) {
    while size % alignment != 0 { pending.append(CollectionOfOne(0)) }
  }

  private mutating func flushIfLarge() throws(BlockError) {
    if pending.count >= IndexFileWriter.flushBytes { try flush() }
  }

  private mutating func flush() throws(BlockError) {
    let bytes = pending.bytes
    let file = file
    _ = try BlockError.wrap { () throws(DiskError) in try file.append(bytes) }
    pending.removeAll()
  }
}

extension BlockError {
  static func wrap<Result>(_ body: () throws(DiskError) -> Result) throws(BlockError) -> Result {
    do throws(DiskError) { return try body() } catch { throw .disk(error) }
  }
}
