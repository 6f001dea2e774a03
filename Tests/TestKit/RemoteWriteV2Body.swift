/// A remote-write 2.0 request (`io.prometheus.write.v2.Request`) built byte by byte, apart from the reader it tests.
///
///     Request     4: symbol*   5: TimeSeries*
///     TimeSeries  1: label reference*   2: Sample*   3: Histogram*   4: Exemplar*   5: Metadata
///     Sample      1: double   2: int64 milliseconds   3: int64 milliseconds
package struct RemoteWriteV2Body: Sendable {
  package struct Metadata: Sendable {
    /// The protocol's number.
    package var kind: UInt64
    package var help: String
    package var unit: String

    package init(kind: UInt64, help: String, unit: String = "") {
      self.kind = kind
      self.help = help
      self.unit = unit
    }
  }

  /// The table as it will be sent; a test may spoil it.
  package var symbols: [String] = [""]
  private var references: [String: UInt64] = ["": 0]
  private var series: [[UInt8]] = []

  package init() {}

  /// Labels go out in the order given: a body may be as wrong as its test wants. `more` goes behind the samples.
  package mutating func add(
    _ labels: [(String, String)], _ samples: RemoteWriteBody.Samples, metadata: Metadata? = nil, more: [UInt8] = []
  ) {
    add(references: labels.flatMap { [symbol($0.0), symbol($0.1)] }, samples, metadata: metadata, more: more)
  }

  package mutating func add(
    references: [UInt64], _ samples: RemoteWriteBody.Samples, metadata: Metadata? = nil, more: [UInt8] = []
  ) {
    var bytes: [UInt8] = []
    ProtobufBytes.append(bytes: RemoteWriteV2Body.packed(references), field: 1, to: &bytes)
    for sample in samples {
      ProtobufBytes.append(bytes: ProtobufBytes.sample(sample.timestamp, sample.value), field: 2, to: &bytes)
    }
    bytes += more
    if let metadata {
      let message: [UInt8] =
        [1 << 3] + RemoteWriteV2Body.packed([metadata.kind]) + [3 << 3]
        + RemoteWriteV2Body.packed([symbol(metadata.help)]) + [4 << 3]
        + RemoteWriteV2Body.packed([symbol(metadata.unit)])
      ProtobufBytes.append(bytes: message, field: 5, to: &bytes)
    }
    series.append(bytes)
  }

  /// An exemplar field of a series, for `more`.
  package mutating func exemplar(_ labels: [(String, String)], _ time: Int64, _ value: Double) -> [UInt8] {
    var message: [UInt8] = []
    ProtobufBytes.append(
      bytes: RemoteWriteV2Body.packed(labels.flatMap { [symbol($0.0), symbol($0.1)] }), field: 1, to: &message)
    message.append(2 << 3 | 1)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { message.append(contentsOf: $0) }
    message.append(3 << 3)
    ProtobufBytes.append(varint: UInt64(bitPattern: time), to: &message)
    var field: [UInt8] = []
    ProtobufBytes.append(bytes: message, field: 4, to: &field)
    return field
  }

  package mutating func symbol(_ text: String) -> UInt64 {
    if let known = references[text] { return known }
    symbols.append(text)
    references[text] = UInt64(symbols.count - 1)
    return UInt64(symbols.count - 1)
  }

  package static func packed(_ numbers: [UInt64]) -> [UInt8] {
    var bytes: [UInt8] = []
    for number in numbers { ProtobufBytes.append(varint: number, to: &bytes) }
    return bytes
  }

  /// The protobuf message.
  package var message: [UInt8] {
    var bytes: [UInt8] = []
    for symbol in symbols { ProtobufBytes.append(bytes: Array(symbol.utf8), field: 4, to: &bytes) }
    for one in series { ProtobufBytes.append(bytes: one, field: 5, to: &bytes) }
    return bytes
  }

  /// The body as it is sent.
  package var snappy: [UInt8] { snappyCompressed(message) }

  /// The headers a sender of version 2.0 puts beside it.
  package static let headers: [(String, String)] = [
    ("Content-Encoding", "snappy"), ("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"),
    ("User-Agent", "apus-test/1.0"), ("X-Prometheus-Remote-Write-Version", "2.0.0"),
  ]
}
