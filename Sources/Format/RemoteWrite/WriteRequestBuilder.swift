/// Makes a remote-write body of single samples: what the server sends to itself. Reused; one owner.
package struct WriteRequestBuilder: ~Copyable, Sendable {
  private var body = ByteBuffer(capacity: 16 << 10)
  private var series = ByteBuffer(capacity: 512)

  package init() {}

  package var bytes: UnsafeRawBufferPointer { body.bytes }

  package mutating func removeAll() { body.removeAll() }

  /// Adds a series of one sample. Labels in any order; the receiver sorts.
  package mutating func append(labels: [(name: String, value: String)], time: Int64, value: Double) {
    series.removeAll()
    for label in labels {
      var (name, text) = (label.name, label.value)
      name.withUTF8 { name in
        text.withUTF8 { text in
          LabelFields.appendField(
            name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(text), to: &series)
        }
      }
    }
    var sample = ByteBuffer(capacity: 24)
    sample.append(0x09)
    sample.appendLittleEndian(value.bitPattern)
    sample.append(0x10)
    sample.appendUvarint(UInt64(bitPattern: time))
    series.append(0x12)
    series.appendUvarint(UInt64(sample.count))
    series.append(sample.bytes)
    body.append(0x0a)
    body.appendUvarint(UInt64(series.count))
    body.append(series.bytes)
  }
}
