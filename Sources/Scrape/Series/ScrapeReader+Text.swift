import Format
import Ingest
import Model

// The text formats. The line of a known series costs its reading, a hash and a look-up: no allocation, no label.
extension ScrapeReader {
  /// Reads an answer into rows. Afterwards `tally` says what came of it.
  mutating func read(
    _ bytes: LentBytes, _ format: ExpositionFormat, time: Int64, into gathered: ScrapedRows,
    _ families: inout Families, _ metrics: ScrapeSampleMetrics
  ) {
    var scanner = ExpositionScanner(bytes, format)
    var labels = ExpositionLabels()
    while tally.fault == nil {
      do throws(ExpositionError) {
        switch try scanner.next() {
        case .end: return
        case .comment, .histogram: continue
        case .type: families.setKind(of: scanner)
        case .help: families.setHelp(of: scanner)
        case .unit: families.setUnit(of: scanner)
        case .series: try readSample(&scanner, &labels, time, &gathered.rows, &gathered.fields, metrics)
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

  @inline(__always)
  private mutating func readSample(
    _ scanner: inout ExpositionScanner, _ labels: inout ExpositionLabels, _ time: Int64,
    _ rows: inout WriteRequestRows, _ fields: inout ByteBuffer, _ metrics: ScrapeSampleMetrics
  ) throws(ExpositionError) {
    let explicit = terms.honorsTimestamps ? scanner.time : nil
    let sample = Sample(
      hash: key.hash128(scanner.bytes.part(scanner.series)), place: scanner.series, mark: scanner.kind.rawValue,
      time: explicit ?? time, hasTime: explicit != nil, bits: scanner.value.bitPattern)
    var fate = take(sample, into: &rows) { ScrapeReader.text(scanner) }
    if case .new = fate {
      fate = try readNew(sample, &scanner, &labels, &rows, &fields, metrics)
    }
    tally.total &+= 1
    guard case .row = fate else { return }
    rows.addSample(time: sample.time, bits: sample.bits)
    if let exemplar = scanner.exemplar {
      scanner.readExemplarLabels(&labels)
      rows.addExemplar(labels, time: exemplar.time ?? sample.time, value: exemplar.value)
    }
  }

  @inline(never)
  private mutating func readNew(
    _ sample: Sample, _ scanner: inout ExpositionScanner, _ labels: inout ExpositionLabels,
    _ rows: inout WriteRequestRows, _ fields: inout ByteBuffer, _ metrics: ScrapeSampleMetrics
  ) throws(ExpositionError) -> Fate {
    try scanner.readLabels(&labels)
    setNames(labels)
    return takeNew(sample, &fields, into: &rows, metrics) { ScrapeReader.text(scanner) }
  }

  /// The series as a warning names it.
  private static func text(_ scanner: borrowing ExpositionScanner) -> String {
    ScrapeReader.excerpt(scanner.bytes.part(scanner.series))
  }

}

// What the line says that the scanner stands at.
extension Families {
  mutating func setKind(of scanner: borrowing ExpositionScanner) {
    setKind(scanner.kind, of: scanner.bytes.part(scanner.metric))
  }

  mutating func setHelp(of scanner: borrowing ExpositionScanner) {
    let metric = scanner.bytes.part(scanner.metric)
    setHelp(scanner.bytes.part(scanner.text), of: metric) { scanner.helpText() }
  }

  mutating func setUnit(of scanner: borrowing ExpositionScanner) {
    setUnit(scanner.bytes.part(scanner.text), of: scanner.bytes.part(scanner.metric))
  }
}
