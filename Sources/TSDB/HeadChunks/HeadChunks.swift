import Format
import Model
import Platform
import Synchronization

/// Full chunks of the head, in mapped files of Prometheus's `chunks_head` format. Any thread may read and append.
///
/// Two locks that never nest: `writer` for writing, `table` for the list of files, never held during I/O. A reference
/// is readable from the moment `append` has returned it.
package final class HeadChunks: Sendable {
  private struct File {
    var number: Int
    /// The offset behind the last chunk.
    var end: Int
    var maxTime: Int64
    /// The mapping of the whole file, or of what was there when it was last read; chunks before `mappedEnd` are in it.
    var mapping: MappedFile?
    var mappedEnd = 0
    /// Chunks before this were read once more after they were written.
    var verifiedEnd = 0
  }

  package let directory: HeadChunkDirectory
  private let log: Log
  private let writer: Mutex<HeadChunkWriter>
  /// The files, ascending by number.
  private let table: Mutex<[File]>

  /// Files in which opening found damage, with the places where there are no chunks for that.
  private let damages: Mutex<[Int: [Int]]>

  /// Opens the files that are there and calls `body` for each chunk in them, file by file. It reads around damage (see
  /// `HeadChunkRepair`) and reports it in the result; one file never keeps the others from being used.
  package static func open(
    _ disk: any Disk, path: String, damaged: DamagedFiles, fileBytesMax: Int = HeadChunkLayout.fileBytesMax, log: Log,
    _ body: (HeadChunkInfo) -> Void
  ) throws(HeadChunksError) -> (chunks: HeadChunks, report: HeadChunkReport) {
    let directory = HeadChunkDirectory(disk, path)
    let numbers: [Int]
    do throws(DiskError) {
      numbers = try directory.prepare()
    } catch {
      throw .disk(error)
    }
    var files: [File] = []
    var report = HeadChunkReport()
    let repair = HeadChunkRepair(directory: directory, damaged: damaged, log: log)
    for (place, number) in numbers.enumerated() {
      if place > 0 { report.missing += ((numbers[place - 1] + 1)..<number).prefix(HeadChunkReport.missingMax) }
      var maxTime = Int64.min
      let end = repair.read(number, isLast: place == numbers.count - 1, reporting: &report) { chunk in
        maxTime = max(maxTime, chunk.maxTime)
        body(chunk)
      }
      if let end { files.append(File(number: number, end: end, maxTime: maxTime)) }
    }
    // A file that cannot be read keeps its number.
    let unreadable = report.lost.filter { $0.offset == 0 }.map(\.file)
    let writer = HeadChunkWriter(
      directory, found: files.map { ($0.number, $0.end) },
      lastNumber: max(files.last?.number ?? 0, unreadable.max() ?? 0), fileBytesMax: fileBytesMax, log: log)
    return (HeadChunks(directory, writer, files, report, log), report)
  }

  private init(
    _ directory: HeadChunkDirectory, _ writer: consuming HeadChunkWriter, _ files: [File], _ report: HeadChunkReport,
    _ log: Log
  ) {
    self.directory = directory
    self.log = log
    self.writer = Mutex(writer)
    table = Mutex(files)
    var damages = Dictionary(grouping: report.lost, by: \.file).mapValues { $0.map(\.offset) }
    for number in report.headless { damages[number, default: []] += [] }
    self.damages = Mutex(damages)
  }

  /// Writes the chunks of `batch` and fills its `refs`. On error none of them has a reference (but the next open may
  /// find some of them, as after a crash between this and whatever remembers the references).
  package func append(_ batch: inout HeadChunkBatch) throws(HeadChunksError) {
    if batch.isEmpty { return }
    var written: [HeadChunkWriter.Written] = []
    var failure: HeadChunksError?
    writer.withLock { writer in
      if writer.isClosed {
        failure = .closed
        return
      }
      do throws(DiskError) {
        written = try writer.append(&batch)
      } catch {
        failure = .disk(error)
      }
    }
    if let failure {
      batch.refs.removeAll(keepingCapacity: true)
      throw failure
    }
    table.withLock { files in
      for part in written { HeadChunks.note(part, in: &files) }
    }
  }

  /// Notes a written part in the list of files. Writers may arrive here in another order than they wrote.
  private static func note(_ part: HeadChunkWriter.Written, in files: inout [File]) {
    let place = files.firstIndex { $0.number >= part.file } ?? files.count
    if place == files.count || files[place].number != part.file {
      files.insert(File(number: part.file, end: part.end, maxTime: part.maxTime), at: place)
    } else {
      files[place].end = max(files[place].end, part.end)
      files[place].maxTime = max(files[place].maxTime, part.maxTime)
    }
  }

  /// The chunk at `ref`, its checksum verified. Its bytes live as long as the result.
  package func read(_ ref: HeadChunkRef) throws(HeadChunksError) -> HeadChunk {
    let mapping = try mapping(for: ref)
    guard let info = HeadChunkLayout.chunk(at: ref, in: mapping.bytes),
      HeadChunkLayout.hasRightChecksum(info, in: mapping.bytes)
    else { throw .corrupt(ref) }
    return HeadChunk(info: info, file: mapping)
  }

  /// A mapping that reaches to the present end of the reference's file, if the chunk may need it.
  private func mapping(for ref: HeadChunkRef) throws(HeadChunksError) -> MappedFile {
    let found = table.withLock { files in files.last { $0.number == ref.file } }
    guard let found else { throw .noFile(ref) }
    guard ref.offset < found.end else { throw .corrupt(ref) }
    if let mapping = found.mapping, ref.offset < found.mappedEnd { return mapping }
    do throws(DiskError) {
      let fresh = try directory.disk.map(directory.filePath(ref.file))
      table.withLock { files in
        guard let place = files.lastIndex(where: { $0.number == ref.file }) else { return }
        if found.end > files[place].mappedEnd {
          files[place].mapping = fresh
          files[place].mappedEnd = found.end
        }
      }
      return fresh
    } catch {
      throw error.isNotFound ? .noFile(ref) : .disk(error)
    }
  }

  /// The highest time of each file, ascending by number.
  package var fileTimes: [(file: Int, maxTime: Int64)] {
    table.withLock { $0.map { ($0.number, $0.maxTime) } }
  }

  /// The files as a snapshot lists them: whoever finds fewer of them, or other damage, has lost something since.
  package var inventory: [HeadChunkInventory.File] {
    let damages = damages.withLock { $0 }
    return table.withLock { files in
      files.map {
        HeadChunkInventory.File(
          number: $0.number, maxTime: $0.maxTime, end: $0.end, damages: damages[$0.number] ?? [])
      }
    }
  }

  /// End of the chunks of each file, by number.
  package var fileEnds: [Int: Int] {
    table.withLock { files in Dictionary(uniqueKeysWithValues: files.map { ($0.number, $0.end) }) }
  }

  package var sizeBytes: Int { table.withLock { $0.reduce(0) { $0 + $1.end } } }

  /// Puts all chunks appended so far on stable storage: before the log that could restore them is truncated.
  package func sync() throws(HeadChunksError) {
    var work = writer.withLock { $0.takeSyncWork() }
    var failure: DiskError?
    do throws(DiskError) {
      try work.perform(on: directory) { number in
        table.withLock { files in files.first.map { number < $0.number } ?? false }
      }
    } catch {
      writer.withLock { $0.giveBack(work) }
      failure = error
    }
    for path in work.rewritten { forgetMapping(of: path) }
    if let failure { throw .disk(failure) }
  }

  /// Forgets the mapping of a file: the file of that name is another one now.
  private func forgetMapping(of path: String) {
    table.withLock { files in
      for place in files.indices where directory.filePath(files[place].number) == path {
        files[place].mapping = nil
        files[place].mappedEnd = 0
      }
    }
  }

  /// Reads what was written since the last call once more, for who is about to forget what it was made of. Returns the places
  /// without intact chunks, by file.
  package func verify() throws(HeadChunksError) -> [Int: [Range<Int>]] {
    var damaged: [Int: [Range<Int>]] = [:]
    for file in table.withLock({ files in files.filter { $0.verifiedEnd < $0.end } }) {
      do throws(DiskError) {
        let mapping = try directory.disk.map(directory.filePath(file.number))
        let scan = withExtendedLifetime(mapping) {
          let chunks = LentBytes(mapping.bytes).part(0..<min(mapping.bytes.count, file.end))
          return HeadChunkScan(chunks, number: file.number) { _ in }
        }
        var places = scan.damages.map { $0.offset..<($0.offset + $0.bytes) }
        if scan.end < file.end { places.append(scan.end..<file.end) }
        if !places.isEmpty { damaged[file.number] = places }
      } catch {
        if !error.isNotFound { throw .disk(error) }
        damaged[file.number] = [0..<file.end]
      }
    }
    return damaged
  }

  /// Counts all present chunks as verified: whoever needed those of damaged files has been told.
  package func noteVerified() {
    table.withLock { files in
      for place in files.indices { files[place].verifiedEnd = files[place].end }
    }
  }

  /// Removes the oldest files as long as all their chunks end before `time`. The newest file stays, so that numbers
  /// are never used again; it is finished with the next chunk, so that it can go some day.
  package func truncate(before time: Int64) throws(HeadChunksError) {
    try truncate { $0.maxTime < time }
  }

  /// Removes the files before `number`, under the same rules.
  package func truncate(beforeFile number: Int) throws(HeadChunksError) {
    try truncate { $0.number < number }
  }

  private func truncate(_ isOld: (File) -> Bool) throws(HeadChunksError) {
    writer.withLock { $0.beginNewFileWithNextChunk() }
    let old = table.withLock { files in Array(files.dropLast().prefix(while: isOld)) }
    do throws(DiskError) {
      for file in old {
        // Readers that have a mapping keep it; new ones find no file.
        table.withLock { files in files.removeAll { $0.number == file.number } }
        do throws(DiskError) {
          try directory.disk.removeFile(directory.filePath(file.number))
        } catch {
          if error.isNotFound { continue }
          // It is tried again with the next ones.
          table.withLock { files in HeadChunks.putBack(file, in: &files) }
          throw error
        }
      }
      if !old.isEmpty { try directory.disk.syncDirectory(directory.path) }
    } catch {
      throw .disk(error)
    }
  }

  private static func putBack(_ file: File, in files: inout [File]) {
    files.insert(file, at: files.firstIndex { $0.number >= file.number } ?? files.count)
  }

  /// Syncs and closes. Later appends are refused, reads go on. Idempotent.
  package func close() throws(HeadChunksError) {
    let wasClosed = writer.withLock { writer in
      defer { writer.isClosed = true }
      return writer.isClosed
    }
    if wasClosed { return }
    try sync()
    do throws(DiskError) {
      try writer.withLock({ $0.takeCurrent() })?.close()
    } catch {
      throw .disk(error)
    }
  }
}

extension HeadChunks {
  /// Mends the files in which opening found damage. The last thing a database does with them, once all that was in the
  /// damaged places is durable elsewhere: references into these files are no longer valid. A file that cannot be mended
  /// stays as it is.
  package func mendDamaged() {
    let present = Set(fileTimes.map(\.file))
    for number in damages.withLock({ $0.keys.sorted() }) where present.contains(number) {
      do throws(DiskError) {
        try HeadChunkRepair.mend(number, in: directory)
        log.info("Damaged head chunk file mended", ["file": directory.filePath(number)])
      } catch {
        log.warn("Damaged head chunk file left as it is", ["file": directory.filePath(number), "err": "\(error)"])
      }
    }
  }
}

/// A chunk that was read: what it says about itself, and its bytes as long as this value lives.
package struct HeadChunk: Sendable {
  package let info: HeadChunkInfo
  private let file: MappedFile

  init(info: HeadChunkInfo, file: MappedFile) {
    self.info = info
    self.file = file
  }

  package func withData<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(file) { try body(UnsafeRawBufferPointer(rebasing: file.bytes[info.data])) }
  }
}
