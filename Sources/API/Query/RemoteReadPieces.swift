import Format
import HTTP
import Model
import PromQL
import Query

/// A streamed answer to a remote read: one series after the other, each read when the client has taken those before. Used
/// by one thread at a time.
final class RemoteReadPieces {
  private let selections: [StoredSeries]
  private let external: Labels
  private let frameBytesMax: Int
  private let stop: StopCheck

  private var query = 0
  private var nextIndex = 0
  private var reader: StoredSeries.Reader?
  private var message = RemoteReadWriter()
  private var cutter = ChunkCutter()
  private var column = SampleColumn()
  private var frame = ByteBuffer(capacity: 64 << 10)

  init(_ selections: [StoredSeries], _ external: Labels, frameBytesMax: Int, _ stop: @escaping StopCheck) {
    self.selections = selections
    self.external = external
    self.frameBytesMax = frameBytesMax
    self.stop = stop
  }

  /// The next series that has samples.
  func next(_ writer: ResponseWriter) throws(StreamError) -> PieceOutcome {
    while query < selections.count {
      let found = selections[query]
      guard nextIndex < found.count else {
        query += 1
        nextIndex = 0
        reader = nil
        continue
      }
      if let reason = stop() { throw .failed(QueryError(reason).description) }
      let reader = reader ?? found.makeReader()
      self.reader = reader
      do throws(QueryError) {
        try reader.read(nextIndex, into: &column)
      } catch {
        throw .failed(error.description)
      }
      let labels = found.labels[nextIndex].adding(external)
      nextIndex += 1
      if column.isEmpty { continue }
      try write(labels, to: writer)
      return .more
    }
    return .last
  }

  private func write(_ labels: Labels, to writer: ResponseWriter) throws(StreamError) {
    message.beginFrame(labels)
    let frameBytesMax = max(frameBytesMax, message.frameByteCount)
    var failure: StreamError?
    unsafe cutter.cut(column.timestamps, column.values) { first, last, data in
      if failure != nil { return }
      if message.frameByteCount > frameBytesMax { failure = endFrame(labels, writer) }
      unsafe message.appendChunk(from: first, through: last, data)
    }
    for chunk in HistogramChunk.encode(RemoteReadEndpoint.histograms(column)) where failure == nil {
      if message.frameByteCount > frameBytesMax { failure = endFrame(labels, writer) }
      message.appendChunk(chunk)
    }
    if let failure { throw failure }
    message.endFrame(query: query, into: &frame)
    try writer.write(frame)
  }

  /// Sends a full frame and begins the next one of the same series.
  private func endFrame(_ labels: Labels, _ writer: ResponseWriter) -> StreamError? {
    message.endFrame(query: query, into: &frame)
    defer { message.beginFrame(labels) }
    do throws(StreamError) {
      try writer.write(frame)
      return nil
    } catch {
      return error
    }
  }
}
