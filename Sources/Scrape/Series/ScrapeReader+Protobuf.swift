import Format
import Ingest
import Model

// Protobuf answers: as the text formats, with native histograms. The place of a row is the number of its entry in the answer.
extension ScrapeReader {
  var histogramChoice: HistogramChoice {
    HistogramChoice(
      storesNative: terms.storesNativeHistograms, alwaysStoresClassic: terms.alwaysStoresClassicHistograms,
      convertsClassic: terms.convertsClassicHistograms)
  }

  /// Reads an answer into rows. Afterwards `tally` says what came of it.
  mutating func readProtobuf(
    _ bytes: LentBytes, time: Int64, into gathered: ScrapedRows, _ families: inout Families,
    _ metrics: ScrapeSampleMetrics
  ) {
    var scanner = MetricFamilyScanner(bytes, histogramChoice, key: key)
    var labels = ExpositionLabels()
    var number = 0
    while tally.fault == nil {
      do throws(ExpositionError) {
        let entry = try scanner.next()
        switch entry {
        case .end: return
        case .comment: continue
        case .type: families.setKind(scanner.kind, of: scanner.family)
        case .help:
          families.setHelp(scanner.help, of: scanner.family) { String(decoding: scanner.help, as: UTF8.self) }
        case .unit: families.setUnit(scanner.unit, of: scanner.family)
        case .series, .histogram:
          defer { number += 1 }
          let explicit = terms.honorsTimestamps ? scanner.time : nil
          let bits = entry == .series ? scanner.value.bitPattern : scanner.histogram.histogram.sum.bitPattern
          let sample = Sample(
            hash: key.hash128(scanner.identity), place: number..<number, mark: 0, time: explicit ?? time,
            hasTime: explicit != nil, bits: bits)
          if entry == .series {
            try readSample(sample, &scanner, &labels, gathered, metrics)
          } else {
            try readHistogram(sample, &scanner, &labels, gathered, metrics)
          }
        }
      } catch {
        if !terms.keepsValid {
          tally.fault = error.problem
          return
        }
        tally.noteLeftOut { error.problem }
      }
    }
  }

  private mutating func readSample(
    _ sample: Sample, _ scanner: inout MetricFamilyScanner, _ labels: inout ExpositionLabels, _ gathered: ScrapedRows,
    _ metrics: ScrapeSampleMetrics
  ) throws(ExpositionError) {
    guard try readRow(sample, scanner, &labels, gathered, metrics) else { return }
    gathered.rows.addSample(time: sample.time, bits: sample.bits)
    while let exemplar = try scanner.nextExemplar() {
      try scanner.readExemplarLabels(&labels)
      gathered.rows.addExemplar(labels, time: exemplar.time ?? sample.time, value: exemplar.value)
    }
  }

  private mutating func readHistogram(
    _ sample: Sample, _ scanner: inout MetricFamilyScanner, _ labels: inout ExpositionLabels,
    _ gathered: ScrapedRows, _ metrics: ScrapeSampleMetrics
  ) throws(ExpositionError) {
    guard let message = fit(scanner.histogram, sample, { ScrapeReader.text(scanner) }),
      try readRow(sample, scanner, &labels, gathered, metrics)
    else { return }
    add(message, at: sample.time, &gathered.rows)
    var exemplars: [(time: Int64, value: Double, labels: [(name: String, value: String)])] = []
    while let exemplar = try scanner.nextExemplar() {
      try scanner.readExemplarLabels(&labels)
      exemplars.append((exemplar.time ?? sample.time, exemplar.value, labels.labels().pairs))
    }
    // Targets keep them in no order, and one that is late is refused.
    exemplars.sort { ($0.time, $0.value) < ($1.time, $1.value) }
    for exemplar in exemplars {
      gathered.rows.appendExemplar(exemplar.labels, time: exemplar.time, value: exemplar.value)
    }
  }

  /// Begins the row of an entry; false where it has none.
  private mutating func readRow(
    _ sample: Sample, _ scanner: borrowing MetricFamilyScanner, _ labels: inout ExpositionLabels,
    _ gathered: ScrapedRows, _ metrics: ScrapeSampleMetrics
  ) throws(ExpositionError) -> Bool {
    var fate = take(sample, into: &gathered.rows) { ScrapeReader.text(scanner) }
    if case .new = fate {
      try scanner.readLabels(&labels)
      setNames(labels)
      fate = takeNew(sample, &gathered.fields, into: &gathered.rows, metrics) { ScrapeReader.text(scanner) }
    }
    tally.total += 1
    if case .row = fate { return true }
    return false
  }

  /// The series as a warning names it.
  private static func text(_ scanner: borrowing MetricFamilyScanner) -> String {
    var labels = ExpositionLabels()
    guard (try? scanner.readLabels(&labels)) != nil else { return String(decoding: scanner.family, as: UTF8.self) }
    return ScrapeReader.excerpt("\(labels.labels())")
  }
}
