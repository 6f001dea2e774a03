// The way back: rows made in memory as a remote-write 1.0 body, for whoever has to keep them, or to send them on.
//
//   TimeSeries  1 label*   2 sample   3 exemplar*   4 histogram
extension WriteRequestRows {
  /// The rows as a body that is not compressed. Only of rows made in memory.
  package func body() -> [UInt8] {
    var body = ByteBuffer(capacity: 64 << 10)
    var series = ByteBuffer(capacity: 1024)
    var message = ByteBuffer(capacity: 256)
    var exemplar = 0
    var histogram = 0
    for index in 0..<rows.count {
      let row = rows[index]
      series.removeAll()
      series.append(gathered(row.labelsOffset, row.labelsLength))
      for sample in Int(row.sampleStart)..<(Int(row.sampleStart) + Int(row.sampleCount)) {
        message.removeAll()
        message.append(0x09)
        message.appendLittleEndian(values[sample])
        message.append(0x10)
        message.appendUvarint(UInt64(bitPattern: times[sample]))
        WriteRequestRows.append(message.bytes, tag: 0x12, to: &series)
      }
      while exemplar < exemplars.count, Int(exemplars[exemplar].row) == index {
        let part = exemplars[exemplar]
        WriteRequestRows.append(gathered(part.offset, part.length), tag: 0x1a, to: &series)
        exemplar += 1
      }
      while histogram < histograms.count, Int(histograms[histogram].row) == index {
        message.removeAll()
        madeHistograms[Int(histograms[histogram].offset)].encode(into: &message)
        WriteRequestRows.append(message.bytes, tag: 0x22, to: &series)
        histogram += 1
      }
      WriteRequestRows.append(series.bytes, tag: 0x0a, to: &body)
    }
    for part in metadata.elements {
      WriteRequestRows.append(gathered(part.offset, part.length), tag: 0x1a, to: &body)
    }
    return Array(body.bytes)
  }

  private func gathered(_ offset: UInt32, _ length: UInt32) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: gathered.bytes[Int(offset)..<(Int(offset) + Int(length))])
  }

  private static func append(_ part: UnsafeRawBufferPointer, tag: UInt8, to output: inout ByteBuffer) {
    output.append(tag)
    output.appendUvarint(UInt64(part.count))
    output.append(part)
  }
}
