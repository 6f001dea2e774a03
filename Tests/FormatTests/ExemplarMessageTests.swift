import CProtobuf
import Format
import TestKit
import Testing

@Suite struct ExemplarMessageTests {
  @Test("an exemplar is read as protobuf-c reads it or, where its bytes are spoilt, refused")
  func reader() {
    var random = RandomSource(for: "damaged exemplars")
    var labels = LabelFields()
    var readCount = 0
    for _ in 0..<30_000 {
      var bytes: [UInt8] = []
      for _ in 0..<random.below(4) {
        ProtobufBytes.append(bytes: [0x0a, 1, UInt8(97 + random.below(3)), 0x12, 2, 0x78, 0x79], field: 1, to: &bytes)
      }
      if random.below(8) > 0 { bytes += [0x11] + random.bytes(8) }
      if random.below(8) > 0 {
        bytes.append(0x18)
        ProtobufBytes.append(varint: random.next() >> UInt64(random.below(64)), to: &bytes)
      }
      if random.below(4) == 0 { ProtobufBytes.append(bytes: random.bytes(random.below(9)), field: 7, to: &bytes) }
      let whole = bytes
      for _ in 0..<random.below(3) where !bytes.isEmpty {
        switch random.below(3) {
        case 0: bytes[random.below(bytes.count)] = UInt8(random.below(256))
        case 1: bytes.removeLast(random.below(bytes.count))
        default: bytes.insert(UInt8(random.below(256)), at: random.below(bytes.count))
        }
      }
      let (wanted, wantedLabels) = Self.oracle(bytes)
      let read = bytes.withUnsafeBytes { raw -> ExemplarMessage? in
        guard let read = ExemplarMessage(raw, &labels) else { return nil }
        let names = (0..<labels.fields.count).flatMap {
          [Array(labels.name($0, in: raw)), Array(labels.value($0, in: raw))]
        }
        if let wantedLabels { #expect(names == wantedLabels, "\(bytes)") }
        return read
      }
      // Ours is stricter: known fields in a form they must not have are no exemplar.
      guard let read else {
        #expect(bytes != whole, "\(bytes)")
        continue
      }
      guard let wanted else {
        Issue.record("protobuf-c refuses \(bytes)")
        continue
      }
      #expect(read.time == wanted.time && read.value == wanted.value, "\(bytes)")
      readCount += 1
    }
    #expect(readCount > 5000)
  }

  /// Labels are nil where a text has a zero byte, which protobuf-c ends it at.
  private static func oracle(_ bytes: [UInt8]) -> ((time: Int64, value: UInt64)?, [[UInt8]]?) {
    let message = (bytes + [0]).withUnsafeBufferPointer {
      prometheus__exemplar__unpack(nil, bytes.count, $0.baseAddress)
    }
    guard let message else { return (nil, nil) }
    defer { prometheus__exemplar__free_unpacked(message, nil) }
    var labels: [[UInt8]] = []
    for index in 0..<message.pointee.n_labels {
      guard let label = message.pointee.labels[index]?.pointee else { continue }
      labels += [Array(String(cString: label.name).utf8), Array(String(cString: label.value).utf8)]
    }
    let isPlain = bytes.allSatisfy { $0 < 0x80 && $0 > 0 }
    return ((message.pointee.timestamp, message.pointee.value.bitPattern), isPlain ? labels : nil)
  }
}
