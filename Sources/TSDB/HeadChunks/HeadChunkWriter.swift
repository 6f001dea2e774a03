import Format
import Model
import Platform

/// The file that is being written. State of `HeadChunks`, behind its writing lock. A process never goes on in a file
/// it has not created.
///
/// Invariant: the file has exactly `offset` valid bytes, read back and found to be what was to be written; where that
/// cannot be restored after a failed write, the file is given up and the next write begins a new one.
struct HeadChunkWriter: ~Copyable {
  /// The part of one append that went to one file.
  struct Written: Sendable {
    var file: Int
    var end: Int
    var maxTime: Int64
    var path: String
  }

  let directory: HeadChunkDirectory
  private let log: Log
  private let fileBytesMax: Int
  private var lastNumber: Int
  private var offset = 0
  private var file: (any DiskFile)?
  private var work = HeadChunkSyncWork()
  private var wantsNewFile = false
  private var framed = ByteBuffer(capacity: 64 * 1024)
  private var readBack = ByteBuffer(capacity: HeadChunkWriter.readBackBytes)
  var isClosed = false

  private static let readBackBytes = 64 << 10

  /// `found`: the files that are there, and where their chunks end.
  init(
    _ directory: HeadChunkDirectory, found: [(number: Int, end: Int)], lastNumber: Int, fileBytesMax: Int, log: Log
  ) {
    work.inherited = found.map { directory.filePath($0.number) }
    for file in found { work.ends[directory.filePath(file.number)] = file.end }
    work.isDirectoryDirty = !found.isEmpty
    self.directory = directory
    self.lastNumber = lastNumber
    self.fileBytesMax = fileBytesMax
    self.log = log
  }

  mutating func beginNewFileWithNextChunk() { wantsNewFile = offset > HeadChunkLayout.fileHeaderBytes }

  /// Writes all chunks, with one write for each file they go to. On error the chunks before it may be in a file, but
  /// nobody has a reference to them.
  mutating func append(_ batch: inout HeadChunkBatch) throws(DiskError) -> [Written] {
    var written: [Written] = []
    var next = 0
    batch.refs.removeAll(keepingCapacity: true)
    while next < batch.count {
      let start = next == 0 ? 0 : batch.entries[next - 1].end
      let isFull = offset + batch.entries[next].end - start > fileBytesMax
      let isNew = file == nil || wantsNewFile || isFull
      // A file whose first write has failed is not new, and has no header either.
      let expectedBase = max(isNew ? 0 : offset, HeadChunkLayout.fileHeaderBytes)
      var last = next
      // At least one chunk, and as many as fit.
      while last + 1 < batch.count, expectedBase + batch.entries[last + 1].end - start <= fileBytesMax { last += 1 }
      let bytes = start..<batch.entries[last].end
      if isNew { try begin() }
      let base = try write(batch.bytes.lent.part(bytes))
      var chunkStart = start
      for i in next...last {
        batch.refs.append(HeadChunkRef(file: lastNumber, offset: base + chunkStart - start))
        chunkStart = batch.entries[i].end
      }
      let maxTime = batch.entries[next...last].lazy.map(\.maxTime).max() ?? .min
      written.append(
        Written(file: lastNumber, end: offset, maxTime: maxTime, path: directory.filePath(lastNumber)))
      next = last + 1
    }
    return written
  }

  /// Writes the chunks and returns the offset of the first.
  private mutating func write(_ chunks: LentBytes) throws(DiskError) -> Int {
    guard let file else { return offset }
    framed.removeAll()
    if offset == 0 { HeadChunkLayout.appendFileHeader(to: &framed) }
    let first = offset + framed.count
    framed.append(chunks)
    do throws(DiskError) {
      try file.write(framed.bytes, at: offset)
      try verify(file)
    } catch {
      restore(file)
      throw error
    }
    offset += framed.count
    return first
  }

  /// Reads the written chunks once more, before they leave memory.
  private mutating func verify(_ file: any DiskFile) throws(DiskError) {
    var done = 0
    while done < framed.count {
      let wanted = framed.bytes.part(done..<min(done + HeadChunkWriter.readBackBytes, framed.count))
      let place = offset + done
      readBack.removeAll()
      let count = try file.read(wanted.count, at: place, into: &readBack)
      guard count == wanted.count, compareBytes(readBack.bytes, wanted) == 0 else {
        wantsNewFile = true
        throw DiskError(operation: "read back", path: file.path, code: HeadChunkWriter.inputOutputError)
      }
      done += count
    }
  }

  private static let inputOutputError: Int32 = 5

  private mutating func restore(_ file: any DiskFile) {
    do throws(DiskError) {
      try file.truncate(to: offset)
    } catch {
      log.error(
        "Head chunk file given up, the next chunk begins a new one",
        ["file": directory.filePath(lastNumber), "err": error.description])
      wantsNewFile = true
    }
  }

  private mutating func begin() throws(DiskError) {
    let created = try directory.disk.open(directory.filePath(lastNumber + 1), .truncate)
    if let file {
      work.full.append(file)
      work.ends[file.path] = offset
    }
    file = created
    lastNumber += 1
    offset = 0
    wantsNewFile = false
    work.isDirectoryDirty = true
  }

  /// Takes the work of a sync. The caller does it and gives back what it could not do.
  mutating func takeSyncWork() -> HeadChunkSyncWork {
    defer {
      work = HeadChunkSyncWork()
    }
    var taken = work
    taken.current = file
    return taken
  }

  /// Takes back the work that a sync could not do. After a failed fsync the writer writes nothing more behind the bytes
  /// that may be lost.
  mutating func giveBack(_ rest: HeadChunkSyncWork) {
    work.full += rest.full
    work.inherited += rest.inherited
    work.doubtful += rest.doubtful
    work.isDirectoryDirty = work.isDirectoryDirty || rest.isDirectoryDirty
    work.ends.merge(rest.ends) { newer, _ in newer }
    guard let lost = rest.current, let file, lost === file else { return }
    work.ends[file.path] = offset
    // Its bytes are written once more under its name, which this open file does not follow.
    self.file = nil
    offset = 0
  }

  mutating func takeCurrent() -> (any DiskFile)? {
    defer { file = nil }
    return file
  }
}

/// The names in `chunks_head/`: six digits and more, counted from 1. A value; stateless.
package struct HeadChunkDirectory: Sendable {
  package let disk: any Disk
  package let path: String

  package init(_ disk: any Disk, _ path: String) {
    self.disk = disk
    self.path = path
  }

  package func filePath(_ number: Int) -> String {
    let digits = String(number)
    return "\(path)/\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)"
  }

  /// Numbers of the files, ascending; what an interrupted replacement left is removed.
  func prepare() throws(DiskError) -> [Int] {
    try disk.makeDirectories(path)
    var numbers: [Int] = []
    for name in try disk.list(path) {
      if HeadChunkDirectory.leftoverSuffixes.contains(where: { name.hasSuffix($0) }) {
        // In nobody's way: the next replacement overwrites it.
        try? disk.removeFile("\(path)/\(name)")
      } else if !name.isEmpty, name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = UInt32(name) {
        numbers.append(Int(number))
      }
    }
    return numbers.sorted()
  }

  private static let leftoverSuffixes = [AtomicReplace.temporarySuffix, ".repair"]
}
