import Format

/// The late samples of one batch of the log on their way into a head, series by series. Scratch of a restorer, reused.
struct LateReplay: ~Copyable {
  struct Row: BitwiseCopyable {
    var location: UInt32
    /// The sample's index in the batch.
    var place: UInt32
  }

  var rows: [Row] = []
  private var scratch = HeadReadScratch()
  /// The samples that the head holds of the series last read, within the time of its rows.
  private(set) var present = SeriesSamples()

  init() {}

  mutating func read(_ location: SeriesLocation, _ range: ClosedRange<Int64>, of head: Head) {
    let id = head.shards[location.shard].state.withLock { $0.records.pointer(location.slot).pointee.id }
    let series = HeadSelection(id: id, labels: .empty, location: location)
    head.read(series, from: range.lowerBound, through: range.upperBound, &scratch, into: &present)
  }
}

// The log of late samples at a start.
extension HeadRestorer {
  /// Applies the late samples and histograms of a batch of `wbl/`, except those that the head holds already, most of
  /// them in chunks in files: it reads these once for each series of the batch, however many samples that has there.
  func applyLate(_ batch: DecodedBatch) {
    for section in batch.columns.sections where section.kind.isHistograms {
      applyHistograms(batch, section.rows, areLate: true)
    }
    let (refs, times) = (batch.columns.samples.refs, batch.columns.samples.timestamps)
    late.rows.removeAll(keepingCapacity: true)
    for index in 0..<batch.columns.samples.count {
      let location = map.find(refs[index])
      if location.isNone {
        noteUnknown(refs[index])
      } else if times[index] >= AppendBounds.timeMin, times[index] <= AppendBounds.timeMax {
        late.rows.append(LateReplay.Row(location: location.raw, place: UInt32(index)))
      }
    }
    counts.samples += late.rows.count
    // Of one series in the order of the log, where the first to come stands first.
    late.rows.sort { ($0.location, $0.place) < ($1.location, $1.place) }
    var start = 0
    while start < late.rows.count {
      var end = start + 1
      while end < late.rows.count, late.rows[end].location == late.rows[start].location { end += 1 }
      applyLate(batch, start..<end)
      start = end
    }
  }

  /// Applies the rows of one series.
  private func applyLate(_ batch: DecodedBatch, _ rows: Range<Int>) {
    let (times, values) = (batch.columns.samples.timestamps, batch.columns.samples.values)
    let location = SeriesLocation(raw: late.rows[rows.lowerBound].location)
    var (oldest, newest) = (Int64.max, Int64.min)
    for row in late.rows[rows] {
      oldest = min(oldest, times[Int(row.place)])
      newest = max(newest, times[Int(row.place)])
    }
    late.read(location, oldest...newest, of: head)
    head.shards[location.shard].state.withLock { state in
      let record = state.records.pointer(location.slot)
      for row in late.rows[rows] {
        let time = times[Int(row.place)]
        if late.present.value(at: time) != nil { continue }
        _ = state.insertLate(record, location.slot, time: time, value: values[Int(row.place)].bitPattern)
      }
    }
    head.oldestTime.min(oldest, ordering: .relaxed)
  }
}
