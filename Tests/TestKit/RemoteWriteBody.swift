import CSnappy

/// A remote-write 1.0 request (`prometheus.WriteRequest`) built byte by byte, apart from the reader it tests.
///
///     WriteRequest  1: TimeSeries*
///     TimeSeries    1: Label*   2: Sample*   3: Exemplar*
///     Label         1: name     2: value
///     Sample        1: double   2: int64 milliseconds
package struct RemoteWriteBody: Sendable {
  package typealias Labels = KeyValuePairs<String, String>
  package typealias Samples = [(timestamp: Int64, value: Double)]

  /// The protobuf message so far.
  package internal(set) var message: [UInt8] = []

  package init() {}

  /// Labels go out in the order given: a body may be as wrong as its test wants. `more` goes behind the samples.
  package mutating func add(_ labels: [(String, String)], _ samples: Samples, more: [UInt8] = []) {
    var series: [UInt8] = []
    for (name, value) in labels {
      var label: [UInt8] = []
      ProtobufBytes.append(bytes: Array(name.utf8), field: 1, to: &label)
      ProtobufBytes.append(bytes: Array(value.utf8), field: 2, to: &label)
      ProtobufBytes.append(bytes: label, field: 1, to: &series)
    }
    for sample in samples {
      ProtobufBytes.append(bytes: ProtobufBytes.sample(sample.timestamp, sample.value), field: 2, to: &series)
    }
    ProtobufBytes.append(bytes: series + more, field: 1, to: &message)
  }

  /// An exemplar field of a series, for `more`.
  package static func exemplar(_ labels: [(String, String)], _ time: Int64, _ value: Double) -> [UInt8] {
    var bytes: [UInt8] = []
    for (name, value) in labels {
      var label: [UInt8] = []
      ProtobufBytes.append(bytes: Array(name.utf8), field: 1, to: &label)
      ProtobufBytes.append(bytes: Array(value.utf8), field: 2, to: &label)
      ProtobufBytes.append(bytes: label, field: 1, to: &bytes)
    }
    bytes.append(2 << 3 | 1)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(3 << 3)
    ProtobufBytes.append(varint: UInt64(bitPattern: time), to: &bytes)
    var field: [UInt8] = []
    ProtobufBytes.append(bytes: bytes, field: 3, to: &field)
    return field
  }

  /// A series by its metric name and further labels, which are sorted here as senders do.
  package mutating func add(_ metric: String, _ labels: Labels = [:], _ samples: Samples) {
    let sorted = ([("__name__", metric)] + labels.map { ($0.key, $0.value) }).sorted { $0.0 < $1.0 }
    add(sorted, samples)
  }

  /// What a sender says of a metric; `kind` is the protocol's number.
  package mutating func add(metadata metric: String, kind: UInt64, help: String, unit: String) {
    var bytes: [UInt8] = []
    ProtobufBytes.append(varint: 1 << 3, to: &bytes)
    ProtobufBytes.append(varint: kind, to: &bytes)
    ProtobufBytes.append(bytes: Array(metric.utf8), field: 2, to: &bytes)
    ProtobufBytes.append(bytes: Array(help.utf8), field: 4, to: &bytes)
    ProtobufBytes.append(bytes: Array(unit.utf8), field: 5, to: &bytes)
    ProtobufBytes.append(bytes: bytes, field: 3, to: &message)
  }

  /// The body as it is sent.
  package var snappy: [UInt8] { snappyCompressed(message) }

  /// The headers a sender of version 1.0 puts beside it.
  package static let headers: [(String, String)] = [
    ("Content-Encoding", "snappy"), ("Content-Type", "application/x-protobuf"),
    ("User-Agent", "apus-test/1.0"), ("X-Prometheus-Remote-Write-Version", "0.1.0"),
  ]
}

/// The few pieces of protobuf's wire format that a write request consists of.
package enum ProtobufBytes {
  package static func append(varint value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  package static func append(bytes content: [UInt8], field: UInt64, to bytes: inout [UInt8]) {
    append(varint: field << 3 | 2, to: &bytes)
    append(varint: UInt64(content.count), to: &bytes)
    bytes += content
  }

  /// A whole Sample message.
  package static func sample(_ timestamp: Int64, _ value: Double) -> [UInt8] {
    var bytes: [UInt8] = [1 << 3 | 1]
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(2 << 3)
    append(varint: UInt64(bitPattern: timestamp), to: &bytes)
    return bytes
  }
}

package func snappyCompressed(_ bytes: [UInt8]) -> [UInt8] {
  var count = snappy_max_compressed_length(bytes.count)
  return [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
    let status = bytes.withUnsafeBytes {
      snappy_compress(
        $0.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count,
        UnsafeMutableRawPointer(target.baseAddress!).assumingMemoryBound(to: CChar.self), &count)
    }
    precondition(status == SNAPPY_OK, "snappy refused to compress \(bytes.count) bytes")
    initialized = count
  }
}
