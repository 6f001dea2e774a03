import Format
import Platform

/// Puts what still matters of old segments into a checkpoint, in Prometheus's format: a folder `checkpoint.N` that
/// stands for the checkpoint before it and all segments up to N. Until its rename nothing has changed; from then on
/// replays begin with it.
package enum Checkpoint {
  package struct Statistics: Sendable, Equatable {
    package var keptSeries = 0
    package var droppedSeries = 0
    /// Native histograms too.
    package var keptSamples = 0
    package var droppedSamples = 0
    /// Tombstones, exemplars, metadata.
    package var keptOthers = 0
    package var droppedOthers = 0
  }

  /// The part of a log that a checkpoint keeps: series (and the last metadata of each) for which `series` is true, and
  /// samples,
  /// histograms, exemplars and tombstones that reach `minTime` (milliseconds).
  package struct Choice {
    package var minTime: Int64
    /// As `minTime`, for histograms, which stay in the log until they are in blocks.
    package var histogramMinTime: Int64
    /// As `minTime`, for exemplars, which stay in the log as long as they are kept.
    package var exemplarMinTime: Int64
    package var series: (UInt64) -> Bool

    package init(
      minTime: Int64, histogramMinTime: Int64? = nil, exemplarMinTime: Int64? = nil,
      series: @escaping (UInt64) -> Bool
    ) {
      self.minTime = minTime
      self.histogramMinTime = histogramMinTime ?? minTime
      self.exemplarMinTime = exemplarMinTime ?? minTime
      self.series = series
    }
  }

  /// Writes `checkpoint.<last>`, durably. `replay` reads the checkpoint before it and the segments up to `last`.
  /// Nothing to do where it exists.
  static func write(
    _ directory: WALDirectory, through last: Int, _ choice: Choice, compression: WALCompression, replay: WALReplay,
    log: Log
  ) throws(WALError) -> Statistics {
    var statistics = Statistics()
    do throws(DiskError) {
      if try directory.checkpoints().contains(last) { return statistics }
      let temporary = WALDirectory(directory.disk, directory.temporaryCheckpointPath(last))
      try directory.disk.removeTree(temporary.path)
      try directory.disk.makeDirectory(temporary.path)
    } catch {
      throw .disk(error)
    }
    var writer = CheckpointWriter(
      WALDirectory(directory.disk, directory.temporaryCheckpointPath(last)), choice, compression, log)
    let batch = DecodedBatch()
    while try replay.next(into: batch) {
      do throws(DiskError) {
        try writer.append(batch.columns, counting: &statistics)
      } catch {
        throw .disk(error)
      }
    }
    do throws(DiskError) {
      try writer.finish(counting: &statistics)
      try directory.disk.rename(directory.temporaryCheckpointPath(last), to: directory.checkpointPath(last))
      try directory.disk.syncDirectory(directory.path)
    } catch {
      throw .disk(error)
    }
    return statistics
  }

  /// Writes a `checkpoint.<last>` that keeps nothing, durably: what the segments up to `last` say lies elsewhere, and they stay
  /// only for those who hold them.
  static func writeEmpty(_ directory: WALDirectory, through last: Int) throws(DiskError) {
    if try directory.checkpoints().contains(last) { return }
    let temporary = WALDirectory(directory.disk, directory.temporaryCheckpointPath(last))
    try directory.disk.removeTree(temporary.path)
    try directory.disk.makeDirectory(temporary.path)
    try directory.disk.open(temporary.segmentPath(0), .create).close()
    try directory.disk.syncDirectory(temporary.path)
    try directory.disk.rename(temporary.path, to: directory.checkpointPath(last))
    try directory.disk.syncDirectory(directory.path)
  }
}

extension WriteAheadLog {
  /// Makes `checkpoint.<last>` of everything up to segment `last`, which must be finished. Old segments stay until
  /// `truncate`. What cannot be read must not be left out of the checkpoint: then there is none, unless the caller has it
  /// elsewhere and asks for `mended`.
  package func checkpoint(
    through last: Int, _ choice: Checkpoint.Choice, compression: WALCompression = .snappy,
    damage: WALReplay.Damage = .refused, quarantine: String
  ) throws(WALError) -> Checkpoint.Statistics {
    precondition(last < position.segment, "the segment is still written to")
    metrics.checkpoints.add()
    do throws(WALError) {
      let replay = try WALReplay(
        directory, before: last + 1, quarantine: quarantine, damage: damage, log: log, metrics: metrics)
      let statistics = try Checkpoint.write(
        directory, through: last, choice, compression: compression, replay: replay, log: log)
      return statistics
    } catch {
      metrics.checkpointsFailed.add()
      throw error
    }
  }
}
