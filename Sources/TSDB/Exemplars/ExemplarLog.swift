import Format
import Model

/// Records of the exemplars of one body that the log does not hold yet. A worker's scratch, refilled for each body; a body
/// without exemplars costs it nothing.
struct ExemplarLog: ~Copyable, Sendable {
  /// A record is ended when it has this many bytes.
  private static let recordBytesMax = 1 << 20
  private static let keptBytesMax = 1 << 20

  /// The numbers of their entries in the ring.
  private(set) var numbers: [UInt32] = []
  private var records = ByteBuffer(capacity: 16)
  /// Ends of the complete records.
  private var ends: [Int] = []
  private var encoder = ExemplarsRecord()

  init() {}

  var isEmpty: Bool { numbers.isEmpty }

  mutating func removeAll() {
    if numbers.isEmpty { return }
    numbers.removeAll(keepingCapacity: numbers.capacity < 4096)
    ends.removeAll()
    encoder = ExemplarsRecord()
    if records.capacity > ExemplarLog.keptBytesMax {
      records = ByteBuffer(capacity: 16)
    } else {
      records.removeAll()
    }
  }

  mutating func append(_ exemplar: NewExemplar, labelCount: Int, reference: UInt64, number: UInt32) {
    if records.count - (ends.last ?? 0) >= ExemplarLog.recordBytesMax {
      ends.append(records.count)
      encoder = ExemplarsRecord()
    }
    encoder.append(
      ref: reference, timestamp: exemplar.time, value: Double(bitPattern: exemplar.value), labelCount: labelCount,
      packedLabels: LentBytes(exemplar.labels), to: &records)
    numbers.append(number)
  }

  func write(to body: inout WALBody) {
    var start = 0
    for end in ends + [records.count] {
      body.append(records.bytes.part(start..<end))
      start = end
    }
  }
}
