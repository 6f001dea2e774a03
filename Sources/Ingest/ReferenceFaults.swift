import Format
import TSDB

// What a 2.0 body refers to and does not have: refused by name, while the rest of the body is stored.
extension Delivery {
  /// Adds what the scan left out to the refusals.
  func refuseFaults() {
    for index in 0..<batch.rows.faults.count {
      let fault = batch.rows.faults[index]
      let (kind, elements) = Delivery.reason(of: fault)
      refusals.add(reason: kind, samples: elements) {
        Offender("\(fault.message), series at byte \(fault.offset)")
      }
    }
  }

  private static func reason(of fault: WriteFault) -> (String, Int) {
    let elements = Int(fault.sampleCount) + Int(fault.histogramCount)
    switch fault.kind {
    case .labelReference, .oddReferences: return (SeriesRefusal.malformed.reason, elements)
    case .nothingInIt: return ("empty-series", elements)
    case .metadataReference: return ("metadata-reference", elements)
    case .exemplarReference: return ("exemplar-reference", elements)
    }
  }
}
