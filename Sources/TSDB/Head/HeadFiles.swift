import Format
import Platform
import Synchronization

/// The files of a head: the log, the log of late samples, and complete chunks. Any thread.
final class HeadFiles: Sendable {
  let wal: WriteAheadLog
  let wbl: WriteAheadLog
  let chunks: HeadChunks
  let log: Log
  let chunksUnreadable = Counter()
  /// The unreadable files that have been logged.
  private let unreadableFiles = Mutex<Set<UInt32>>([])
  let chunksRecovered = Counter()
  let chunksLost = Counter()
  /// Held by whoever writes chunks to files or removes files: a file must not go between the moment when a chunk is
  /// written to it and the moment when the chunk says so.
  let moves = Mutex<Void>(())

  init(wal: WriteAheadLog, wbl: WriteAheadLog, chunks: HeadChunks, log: Log) {
    self.wal = wal
    self.wbl = wbl
    self.chunks = chunks
    self.log = log
  }

  /// Syncs the chunk files and both logs.
  func sync() throws(DiskError) {
    do throws(HeadChunksError) {
      try chunks.sync()
    } catch {
      switch error {
      case .disk(let error): throw error
      case .closed, .corrupt, .noFile: break
      }
    }
    do throws(WALError) {
      try wal.sync()
      try wbl.sync()
    } catch {
      switch error {
      case .disk(let error): throw error
      case .closed, .damaged: return
      }
    }
  }

  /// Decodes a complete chunk. If it cannot be read, its samples are missing from the answer, and the failure is
  /// counted and logged.
  func readChunk(_ chunk: SeriesChunk, into samples: inout SeriesSamples) {
    guard let found = self.chunk(chunk) else { return }
    if found.withData({ samples.append(chunk: $0) }) { return }
    log.error("A head chunk does not decode", ["chunk": "\(reference(of: chunk))"])
    chunksUnreadable.add()
  }

  /// A complete chunk in a file; nil, counted and logged, where it cannot be read.
  func chunk(_ chunk: SeriesChunk) -> HeadChunk? {
    do throws(HeadChunksError) {
      return try chunks.read(reference(of: chunk))
    } catch {
      // One line for a file, however many chunks of it are asked for.
      if unreadableFiles.withLock({ $0.insert(chunk.file).inserted }) {
        log.error("A head chunk cannot be read", ["chunk": "\(reference(of: chunk))", "err": "\(error)"])
      }
      chunksUnreadable.add()
      return nil
    }
  }

  func reference(of chunk: SeriesChunk) -> HeadChunkRef {
    HeadChunkRef(file: Int(chunk.file), offset: Int(chunk.offset))
  }
}
