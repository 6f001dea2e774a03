/// The metadata of one series, by references.
struct V2Metadata {
  var kind: UInt32 = 0
  var help: UInt32 = 0
  var unit: UInt32 = 0
}

/// How much there was before a series, so that one at fault leaves nothing behind.
struct V2SeriesStart {
  let samples: Int
  let histograms: Int
  let exemplars: Int
  let gathered: Int

  init(_ rows: borrowing WriteRequestRows) {
    samples = rows.times.count
    histograms = rows.histograms.count
    exemplars = rows.exemplars.count
    gathered = rows.gathered.count
  }

  func takeBack(_ rows: inout WriteRequestRows) {
    rows.times.resize(to: samples)
    rows.values.resize(to: samples)
    rows.histograms.resize(to: histograms)
    rows.exemplars.resize(to: exemplars)
    rows.gathered.truncate(to: gathered)
  }
}
