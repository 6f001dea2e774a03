import Format
import Model
import Platform

// Reading series. What is damaged is left out, counted, logged once for each block and cause, and noted for whoever asks.
extension Block {
  /// A chunk's encoding and data, which live as long as this block; nil if no intact chunk, its checksum included, lies
  /// there.
  package func chunk(_ reference: UInt64) -> (encoding: UInt8, data: UnsafeRawBufferPointer)? {
    guard let segment = Int(exactly: reference >> 32), segment < segments.count,
      let chunk = ChunkSegment.chunk(at: Int(reference & 0xffff_ffff), in: segments[segment].bytes),
      ChunkSegment.isWhole(chunk)
    else { return nil }
    return (chunk.encoding, chunk.data)
  }

  /// Symbol numbers as packed labels; nil if one is no symbol. For many series `IndexLabels` is quicker.
  package func labels(_ numbers: [UInt32]) -> Labels? {
    var packed: [UInt8] = []
    packed.reserveCapacity(numbers.count * 12)
    for place in stride(from: 0, to: numbers.count - 1, by: 2) {
      guard let name = index.symbols[numbers[place]], let value = index.symbols[numbers[place + 1]] else { return nil }
      if !name.isEmpty && !value.isEmpty { packed.appendPacked(name, value) }
    }
    return Labels(packed: packed)
  }

  /// Reads the chunk places and the symbols of a series; false if it is damaged.
  package func readSeries(
    _ reference: UInt32, into series: inout DecodedSeries, _ notes: DamageNotes? = nil
  ) -> Bool {
    do throws(IndexDamage) {
      try index.decode(reference, into: &series)
      return true
    } catch {
      noteDamage(.series, "\(error)")
      notes?.note(series: reference, in: meta.ulid, "\(error)")
      return false
    }
  }

  /// The labels of a series that was read; nil if they are damaged.
  func readLabels(
    of series: borrowing DecodedSeries, _ reference: UInt32, _ notes: DamageNotes? = nil
  ) -> Labels? {
    let found = labels(series.labels)
    if found == nil {
      let reason = "it has a label that is no symbol"
      noteDamage(.labels, "series \(reference): \(reason)")
      notes?.note(series: reference, in: meta.ulid, reason)
    }
    return found
  }

  /// Appends the samples of the chunks of a series that reach into the time between two times, without those deleted; the
  /// first and the last chunk may bring samples of other times.
  package func read(
    _ series: borrowing DecodedSeries, _ reference: UInt32, from first: Int64, through last: Int64,
    into samples: inout SeriesSamples, _ notes: DamageNotes? = nil
  ) {
    let deleted = tombstones.isEmpty ? [] : tombstones.intervals(of: UInt64(reference))
    let start = samples.count
    let firstHistogram = samples.histograms.count
    for chunk in series.chunks where chunk.minTime <= last && chunk.maxTime >= first {
      if deleted.contains(where: { $0.lowerBound <= chunk.minTime && $0.upperBound >= chunk.maxTime }) { continue }
      guard let (encoding, data) = self.chunk(chunk.reference) else {
        note(chunk, reference, .chunk, chunkFault(chunk.reference), notes)
        continue
      }
      if HistogramChunk.isHistogram(encoding: encoding) {
        if !HistogramChunk.decode(data, encoding: encoding, into: &samples.histograms) {
          note(chunk, reference, .samples, "its histograms cannot be decoded", notes)
        }
        continue
      }
      guard encoding == XORChunk.encoding else {
        report.unsupported.add()
        notes?.note(chunk: chunk, of: reference, in: meta.ulid, "its encoding \(encoding) is not known")
        continue
      }
      let before = samples.count
      if !samples.append(chunk: data) {
        // Its checksum was right: it was written so, and none of it can be trusted.
        samples.cut(to: before)
        note(chunk, reference, .samples, "it cannot be decoded", notes)
      }
    }
    samples.drop(deleted, from: start)
    if !deleted.isEmpty && samples.histograms.count > firstHistogram {
      samples.histograms.filter(from: firstHistogram) { time in !deleted.contains { $0.contains(time) } }
    }
  }

  /// Number of parts of this block that could not be read since it was opened.
  package var unreadable: Counter { damage.unreadable }

  func noteDamage(_ cause: BlockDamage.Cause, _ what: @autoclosure () -> String) {
    report.unreadable.add()
    if damage.count(cause) { report.tell("\(meta.ulid)", what()) }
  }

  private func note(
    _ chunk: ChunkMeta, _ series: UInt32, _ cause: BlockDamage.Cause, _ reason: String, _ notes: DamageNotes?
  ) {
    noteDamage(cause, "chunk \(chunk.reference): \(reason)")
    notes?.note(chunk: chunk, of: series, in: meta.ulid, reason)
  }

  /// The reason why there is no chunk, in Prometheus's words where it has some.
  private func chunkFault(_ reference: UInt64) -> String {
    guard let segment = Int(exactly: reference >> 32), segment < segments.count else {
      return "segment index \(reference >> 32) out of range"
    }
    guard let chunk = ChunkSegment.chunk(at: Int(reference & 0xffff_ffff), in: segments[segment].bytes) else {
      return "no whole chunk lies there"
    }
    let expected = String(chunk.checksum, radix: 16)
    let actual = String(ChunkSegment.actualChecksum(of: chunk), radix: 16)
    return "checksum mismatch expected:\(expected), actual:\(actual)"
  }
}

extension SeriesSamples {
  fileprivate mutating func cut(to count: Int) {
    times.resize(to: count)
    values.resize(to: count)
  }

  /// Drops the samples at deleted times, from a place on.
  fileprivate mutating func drop(_ deleted: [ClosedRange<Int64>], from first: Int) {
    if deleted.isEmpty { return }
    var kept = first
    for index in first..<count where !deleted.contains(where: { $0.contains(times[index]) }) {
      times[kept] = times[index]
      values[kept] = values[index]
      kept += 1
    }
    cut(to: kept)
  }
}
