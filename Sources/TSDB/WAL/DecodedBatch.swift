import Format

/// A batch of decoded records on its way from the reader of a log to those who apply them. Owned by one thread at a
/// time; emptied and filled again.
package final class DecodedBatch: @unchecked Sendable {
  /// A batch is given on once it has this many samples and other rows...
  package static let rowsMax = 64 * 1024
  /// ...or this many bytes of labels, texts and payloads. One record may go beyond.
  package static let keptBytesMax = 4 << 20

  package internal(set) var columns = RecordColumns()
  /// The position behind the last record in it. For records from a checkpoint: the start of the log behind the
  /// checkpoint.
  package internal(set) var end = WALPosition(segment: 0, offset: 0)

  package init() {}

  package func removeAll() { columns.removeAll() }

  /// The rows alone may be many small records: sections are counted too.
  var isFull: Bool {
    columns.samples.count + columns.series.count + columns.histograms.count + columns.exemplars.count
      + columns.sections.count >= DecodedBatch.rowsMax || columns.keptBytes >= DecodedBatch.keptBytesMax
  }
}
