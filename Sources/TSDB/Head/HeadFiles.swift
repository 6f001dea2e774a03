import Format
import Platform

/// The files of a head: the log, the log of late samples, and complete chunks. Any thread.
final class HeadFiles: Sendable {
  let wal: WriteAheadLog
  let wbl: WriteAheadLog
  let chunks: HeadChunks
  let log: Log
  let chunksUnreadable = Counter()

  init(wal: WriteAheadLog, wbl: WriteAheadLog, chunks: HeadChunks, log: Log) {
    self.wal = wal
    self.wbl = wbl
    self.chunks = chunks
    self.log = log
  }

  /// Puts all of it on stable storage.
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
      case .closed: return
      }
    }
  }

  /// Decodes a complete chunk. What cannot be read is left out of the answer, counted and logged.
  func readChunk(_ chunk: SeriesChunk, into samples: inout SeriesSamples) {
    let reference = HeadChunkRef(file: Int(chunk.file), offset: Int(chunk.offset))
    do throws(HeadChunksError) {
      let isWhole = try chunks.read(reference).withData { samples.append(chunk: $0) }
      if isWhole { return }
      log.error("A head chunk does not decode", ["chunk": "\(reference)"])
    } catch {
      log.error("A head chunk cannot be read", ["chunk": "\(reference)", "err": "\(error)"])
    }
    chunksUnreadable.add()
  }
}
