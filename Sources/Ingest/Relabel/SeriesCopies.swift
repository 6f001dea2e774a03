import Format
import Model

/// The series of a body that are stored twice: under the name their rename gives them, and under the old one.
/// Immutable.
///
/// The second time is a body of its own, made of the rows whose names match. There a row has another hash in the cache,
/// since its spelling names another series than the first time.
final class SeriesCopies: Sendable {
  private static let hashDifference: UInt64 = 0x9e37_79b9_7f4a_7c15
  private let names: RegexProgram
  /// The rules without the renames.
  let rewriting: SeriesRewriting

  /// nil where the rules keep no name.
  init?(_ rules: IngestRules, turn: UInt32) throws(RegexError) {
    guard let names = rules.keptNames else { return nil }
    var others = rules
    others.renames = []
    self.names = try RegexProgram(names)
    rewriting = try SeriesRewriting(others, turn: turn)
  }

  /// Fills `copy` with the rows of a settled body that are stored again. Histograms and exemplars stay with the new
  /// name. A copy has no replicas: it leaves refused rows out, and removes the replica label from the others.
  func fill(_ copy: Delivery, from body: Delivery) {
    (copy.bytes, copy.origin, copy.limits, copy.now) = (body.bytes, body.origin, body.limits, body.now)
    copy.batch.isExempt = false
    copy.batch.rows.removeAll()
    for index in 0..<body.batch.rows.rows.count {
      var row = body.batch.rows.rows[index]
      if body.batch.isRefused(index) { continue }
      let raw = body.labels(of: index)
      guard copy.labels.parse(raw), let metric = copy.labels.index(of: "__name__", in: raw),
        names.matches(copy.labels.value(metric, in: raw).raw)
      else { continue }
      let samples = Int(row.sampleStart)..<(Int(row.sampleStart) + Int(row.sampleCount))
      row.hashHigh ^= SeriesCopies.hashDifference
      row.sampleStart = UInt32(copy.batch.rows.times.count)
      row.flags &= WriteRow.isGathered
      if body.replica(of: index) != nil {
        copy.labels.remove(body.haTerms.options.replicaLabel, in: raw)
        gather(&row, &copy.batch.rows) { copy.labels.appendFields(of: raw, to: &$0) }
      } else if row.flags & WriteRow.isGathered != 0 {
        gather(&row, &copy.batch.rows) { $0.append(raw) }
      }
      row.sampleCount = 0
      for sample in samples where !body.batch.isSuperseded(sample) {
        row.sampleCount += 1
        copy.batch.rows.times.append(body.batch.rows.times[sample])
        copy.batch.rows.values.append(body.batch.rows.values[sample])
      }
      copy.batch.rows.rows.append(row)
    }
  }

  private func gather(_ row: inout WriteRow, _ rows: inout WriteRequestRows, _ append: (inout ByteBuffer) -> Void) {
    row.labelsOffset = UInt32(rows.gathered.count)
    append(&rows.gathered)
    row.labelsLength = UInt32(rows.gathered.count) - row.labelsOffset
    row.flags |= WriteRow.isGathered
  }
}
