import Format
import Ingest
import Model

// Bodies of senders, read without a database behind them.
extension FuzzTarget {
  static let write = [
    FuzzTarget(name: "write-v1", seeds: { WriteSeeds.v1 }) { readRows($0, isV2: false) },
    FuzzTarget(name: "write-v2", seeds: { WriteSeeds.v2 }) { readRows($0, isV2: true) },
    FuzzTarget(name: "otlp-protobuf", seeds: { WriteSeeds.otlpProtobuf }) { bytes in
      guard let request = try? OTLPRequest(protobuf: bytes) else { return }
      // The same again, whatever lies behind the bytes.
      let longer = Array(bytes) + [0xff]
      let again = longer.withUnsafeBytes { try? OTLPRequest(protobuf: UnsafeRawBufferPointer(rebasing: $0.dropLast())) }
      guard let again else { preconditionFailure("a request is refused the second time") }
      // By their text: no NaN is equal to itself.
      precondition(bytes.count > 512 || "\(again)" == "\(request)", "the same bytes are another request")
    },
    FuzzTarget(name: "otlp-json", seeds: { WriteSeeds.otlpJSON }) { _ = try? OTLPRequest(json: LentBytes($0)) },
    FuzzTarget(name: "remote-read", seeds: { WriteSeeds.remoteRead }) { bytes in
      guard let request = try? RemoteReadRequest(bytes) else { return }
      precondition(request.queries.count <= RemoteReadRequest.queriesMax)
      for query in request.queries { for matcher in query.matchers { _ = try? CompiledMatcher(matcher) } }
    },
  ]

  /// Scans a body as the receiver does, then reads the labels, histograms, exemplars and metadata it points to.
  private static func readRows(_ body: UnsafeRawBufferPointer, isV2: Bool) {
    var rows = WriteRequestRows()
    do throws(WriteRequestError) {
      if isV2 {
        try WriteRequestV2Scanner.scan(body, key: .stable, into: &rows)
      } else {
        try WriteRequestScanner.scan(body, key: .stable, into: &rows)
      }
    } catch {
      precondition(error.offset >= 0 && error.offset <= body.count)
      return
    }
    var fields = LabelFields()
    var packed = ByteBuffer()
    for number in 0..<rows.rows.count {
      let row = rows.rows[number]
      precondition(Int(row.sampleStart) + Int(row.sampleCount) <= rows.times.count)
      let labels = rows.labels(of: row, in: body)
      guard fields.parse(labels) else { continue }
      fields.canonicalize(in: labels)
      _ = fields.firstDuplicate(in: labels)
      fields.appendPacked(of: labels, to: &packed)
    }
    for number in 0..<rows.histograms.count {
      guard let message = HistogramMessage.decode(part(rows.histograms[number], of: body)) else { continue }
      _ = HistogramValidation.fault(message.histogram, isFloat: message.isFloat)
    }
    let messages = rows.messages(in: body)
    for number in 0..<rows.exemplars.count { _ = ExemplarMessage(part(rows.exemplars[number], of: messages), &fields) }
    for number in 0..<rows.metadata.count { _ = MetadataMessage(part(rows.metadata[number], of: messages)) }
  }

  private static func part(_ part: WritePart, of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[Int(part.offset)..<(Int(part.offset) + Int(part.length))])
  }
}
