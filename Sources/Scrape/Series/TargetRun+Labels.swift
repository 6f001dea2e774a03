import Format
import Ingest
import Model
import TSDB

// The side of a target that the intake asks for the labels of rows, and tells of refusals.
extension TargetRun: ScrapedLabels {
  /// The mark of rows about the scrape; others have the kind of their family.
  static let factMark: UInt8 = 255

  func appendFields(of row: Int, _ scanned: WriteRow, in bytes: LentBytes, to output: inout ByteBuffer) {
    if scanned.mark == TargetRun.factMark {
      guard let fact = ScrapeFact(rawValue: scanned.place.lowerBound) else { return }
      LabelFields.appendField(name: Array(LabelName.metric.utf8), value: Array(fact.name.utf8), to: &output)
      for label in reader.naming.target {
        LabelFields.appendField(name: label.name, value: label.value, to: &output)
      }
      return
    }
    var labels = ExpositionLabels()
    if readLabels(scanned, in: bytes, &labels) { reader.appendFields(labels, to: &output) }
  }

  /// Reads the labels of a row's series as they are exposed; false where that is not possible.
  private func readLabels(_ scanned: WriteRow, in bytes: LentBytes, _ labels: inout ExpositionLabels) -> Bool {
    if scanned.mark == ScrapeReader.convertedMark {
      if converted == nil {
        let (format, keepsClassic) = (textFormat, reader.terms.alwaysStoresClassicHistograms)
        converted = NumberedEntries { ConvertingScanner(bytes, format, keepsClassic: keepsClassic) }
      }
      return converted?.readLabels(of: scanned.place.lowerBound, &labels) ?? false
    }
    switch format {
    case .text, .openMetrics:
      // The line is read as it was, with the type that counted for it.
      var scanner = ExpositionScanner(
        bytes.part(from: scanned.place.lowerBound), textFormat,
        kind: MetricFamilyKind(rawValue: scanned.mark) ?? .unknown)
      return (try? scanner.next()) == .series && (try? scanner.readLabels(&labels)) != nil
    case .protobuf:
      if entries == nil {
        let (choice, key) = (reader.histogramChoice, reader.key)
        entries = NumberedEntries { MetricFamilyScanner(bytes, choice, key: key) }
      }
      return entries?.readLabels(of: scanned.place.lowerBound, &labels) ?? false
    }
  }

  func noteRefused(_ row: Int, _ scanned: WriteRow, _ outcome: SampleOutcome?) {
    if scanned.mark == TargetRun.factMark { return }
    refused.append((KeyedHash128(low: UInt64(scanned.hashLow), high: scanned.hashHigh), outcome))
  }

  func noteLateExemplar(_ row: Int) { lateExemplars[row, default: 0] += 1 }
}
