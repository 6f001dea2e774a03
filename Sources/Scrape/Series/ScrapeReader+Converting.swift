import Format
import Ingest
import Model

// The text formats with classic histograms converted to native ones of custom buckets. The place of a series is that of its text;
// the place of a histogram its number among those of the answer.
extension ScrapeReader {
  /// The mark of a row whose histogram was converted from text.
  static let convertedMark: UInt8 = 254

  /// Reads an answer into rows. Afterwards `tally` says what came of it.
  mutating func readConverting(
    _ bytes: LentBytes, _ format: ExpositionFormat, time: Int64, into gathered: ScrapedRows,
    _ families: inout Families, _ metrics: ScrapeSampleMetrics
  ) {
    var scanner = ConvertingScanner(bytes, format, keepsClassic: terms.alwaysStoresClassicHistograms)
    var labels = ExpositionLabels()
    var number = 0
    while tally.fault == nil {
      do throws(ExpositionError) {
        switch try scanner.next() {
        case .end: return
        case .comment: continue
        case .type: families.setKind(of: scanner.scanner)
        case .help: families.setHelp(of: scanner.scanner)
        case .unit: families.setUnit(of: scanner.scanner)
        case .series:
          let explicit = terms.honorsTimestamps ? scanner.scanner.time : nil
          let text = scanner.scanner.series
          let sample = Sample(
            hash: key.hash128(bytes.part(text)), place: text, mark: scanner.scanner.kind.rawValue,
            time: explicit ?? time, hasTime: explicit != nil, bits: scanner.scanner.value.bitPattern)
          guard try readRow(sample, &scanner, &labels, gathered, metrics) else { continue }
          gathered.rows.addSample(time: sample.time, bits: sample.bits)
          addExemplars(&scanner, &labels, sample.time, gathered)
        case .histogram:
          defer { number += 1 }
          let explicit = terms.honorsTimestamps ? scanner.time : nil
          let sample = Sample(
            hash: key.hash128(scanner.identity), place: number..<number, mark: ScrapeReader.convertedMark,
            time: explicit ?? time, hasTime: explicit != nil, bits: scanner.histogram.histogram.sum.bitPattern)
          guard let message = fit(scanner.histogram, sample, { ScrapeReader.text(&scanner) }),
            try readRow(sample, &scanner, &labels, gathered, metrics)
          else { continue }
          add(message, at: sample.time, &gathered.rows)
          addExemplars(&scanner, &labels, nil, gathered)
        }
      } catch {
        if !terms.keepsValid {
          tally.fault = error.problem
          return
        }
        tally.noteLeftOut { "\(error)" }
        scanner.skipLine()
      }
    }
  }

  /// Begins the row of an entry; false where it has none.
  private mutating func readRow(
    _ sample: Sample, _ scanner: inout ConvertingScanner, _ labels: inout ExpositionLabels, _ gathered: ScrapedRows,
    _ metrics: ScrapeSampleMetrics
  ) throws(ExpositionError) -> Bool {
    var fate = take(sample, into: &gathered.rows) { ScrapeReader.text(&scanner) }
    if case .new = fate {
      try scanner.readLabels(&labels)
      setNames(labels)
      fate = takeNew(sample, &gathered.fields, into: &gathered.rows, metrics) { ScrapeReader.text(&scanner) }
    }
    tally.total += 1
    if case .row = fate { return true }
    return false
  }

  /// Gives the last row the exemplars of the entry; those without a time get the sample's, or are left out where it is nil.
  private func addExemplars(
    _ scanner: inout ConvertingScanner, _ labels: inout ExpositionLabels, _ time: Int64?, _ gathered: ScrapedRows
  ) {
    var exemplars: [(time: Int64, value: Double, labels: [(name: String, value: String)])] = []
    while let exemplar = scanner.nextExemplar() {
      guard let time = exemplar.time ?? time else { continue }
      scanner.readExemplarLabels(&labels)
      exemplars.append((time, exemplar.value, labels.labels().pairs))
    }
    if exemplars.count > 1 { exemplars.sort { ($0.time, $0.value) < ($1.time, $1.value) } }
    for exemplar in exemplars {
      gathered.rows.appendExemplar(exemplar.labels, time: exemplar.time, value: exemplar.value)
    }
  }

  /// The series as a warning names it.
  private static func text(_ scanner: inout ConvertingScanner) -> String {
    var labels = ExpositionLabels()
    guard (try? scanner.readLabels(&labels)) != nil else { return "{…}" }
    return excerpt("\(labels.labels())")
  }
}
