import Format
import Model

/// Which series of a body are stored twice: under the name their rename gives them, and under the old one. Immutable.
///
/// The second time is a body of its own, made of the rows whose names match. In the cache a row's hash is changed for it,
/// since its spelling names another series there than the first time.
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

  /// Fills `copy` with the rows that are stored again. Histograms and exemplars stay with the new name.
  func fill(
    _ copy: inout WriteRequestRows, from rows: borrowing WriteRequestRows, in body: UnsafeRawBufferPointer,
    _ labels: inout LabelFields
  ) {
    copy.removeAll()
    for index in 0..<rows.rows.count {
      var row = rows.rows[index]
      let raw = rows.labels(of: row, in: body)
      guard labels.parse(raw), let metric = labels.index(of: "__name__", in: raw),
        names.matches(labels.value(metric, in: raw))
      else { continue }
      let samples = Int(row.sampleStart)..<(Int(row.sampleStart) + Int(row.sampleCount))
      row.hashHigh ^= SeriesCopies.hashDifference
      row.sampleStart = UInt32(copy.times.count)
      if row.flags & WriteRow.isGathered != 0 {
        row.labelsOffset = UInt32(copy.gathered.count)
        copy.gathered.append(raw)
      }
      row.flags &= WriteRow.isGathered
      copy.rows.append(row)
      for sample in samples {
        copy.times.append(rows.times[sample])
        copy.values.append(rows.values[sample])
      }
    }
  }
}
