import CSnappy

/// A remote-read request built byte by byte, and its answer read as a tree of fields, apart from the code they test.
package enum RemoteReadBody {
  package static let headers: [(String, String)] = [
    ("Content-Encoding", "snappy"), ("Content-Type", "application/x-protobuf"),
    ("X-Prometheus-Remote-Read-Version", "0.1.0"),
  ]

  /// One query, as it is sent; matcher kinds are the protocol's numbers. `types` are those the reader takes, best first.
  package static func request(
    start: Int64, end: Int64, matchers: [(UInt64, String, String)], types: [UInt64] = []
  ) -> [UInt8] {
    var query: [UInt8] = []
    for (field, value) in [(1, start), (2, end)] as [(UInt64, Int64)] {
      ProtobufBytes.append(varint: field << 3, to: &query)
      ProtobufBytes.append(varint: UInt64(bitPattern: value), to: &query)
    }
    for (kind, name, value) in matchers {
      var matcher: [UInt8] = []
      ProtobufBytes.append(varint: 1 << 3, to: &matcher)
      ProtobufBytes.append(varint: kind, to: &matcher)
      ProtobufBytes.append(bytes: Array(name.utf8), field: 2, to: &matcher)
      ProtobufBytes.append(bytes: Array(value.utf8), field: 3, to: &matcher)
      ProtobufBytes.append(bytes: matcher, field: 3, to: &query)
    }
    var message: [UInt8] = []
    ProtobufBytes.append(bytes: query, field: 1, to: &message)
    for type in types {
      ProtobufBytes.append(varint: 2 << 3, to: &message)
      ProtobufBytes.append(varint: type, to: &message)
    }
    return snappyCompressed(message)
  }

  /// The series of an answer of samples, sorted: each the bytes of its message.
  package static func series(_ response: [UInt8]) -> [[UInt8]] {
    fields(response).flatMap { fields($0) }.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// The contents of the length-delimited fields of a message.
  package static func fields(_ message: [UInt8]) -> [[UInt8]] {
    var contents: [[UInt8]] = []
    var offset = 0
    while offset < message.count {
      offset += 1  // every tag here is one byte
      var length = 0
      var shift = 0
      while offset < message.count {
        let byte = message[offset]
        offset += 1
        length |= Int(byte & 0x7f) << shift
        shift += 7
        if byte < 0x80 { break }
      }
      guard offset + length <= message.count else { break }
      contents.append(Array(message[offset..<(offset + length)]))
      offset += length
    }
    return contents
  }
}

/// Nil where the bytes are no snappy block.
package func snappyDecompressed(_ bytes: [UInt8]) -> [UInt8]? {
  bytes.withUnsafeBytes { source -> [UInt8]? in
    let start = source.baseAddress?.assumingMemoryBound(to: CChar.self)
    var count = 0
    guard snappy_uncompressed_length(start, source.count, &count) == SNAPPY_OK else { return nil }
    var isGood = false
    let decoded = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      isGood =
        snappy_uncompress(
          start, source.count, UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(to: CChar.self), &count)
        == SNAPPY_OK
      initialized = isGood ? count : 0
    }
    return isGood ? decoded : nil
  }
}
