import CProtobuf
import Format

/// What is read from a write request, in a form that two readers can be compared by.
struct ReadRequest: Equatable {
  struct Series: Equatable {
    var labels: [[UInt8]] = []
    var times: [Int64] = []
    var values: [UInt64] = []
    var exemplars = 0
    var histograms = 0
  }

  var series: [Series] = []
  var metadata = 0
}

/// Where the readers may differ in what they accept; each is noted with who is right where it is decided.
enum WireOddity: String {
  /// A tag in more bytes than it needs. The specification lets a reader take it; no writer sends it; ours refuses it for
  /// fields it knows, which it tells apart by one byte.
  case longTag
  /// A length or tag in more than five bytes: protobuf-c refuses, the specification allows up to ten.
  case longPrefix
  /// A tenth byte above 1: more than 64 bits. The specification has no such number; protobuf-c drops the bits.
  case overflow
  /// Field number 0, or above 2^29 - 1: forbidden by the specification; protobuf-c skips them.
  case fieldNumber
  /// A broken exemplar, histogram or metadata, which ours does not look into while it scans.
  case part
  /// A broken label, which ours finds when it reads the labels.
  case label
}

/// Reads a write request by the letter of the specification, slowly and plainly: the second opinion on verdicts.
struct ReferenceReader {
  struct Malformed: Error {}

  struct Field {
    var number: UInt64
    var type: UInt64
    var number64: UInt64 = 0
    var content: ArraySlice<UInt8> = []
  }

  private(set) var oddities: Set<WireOddity> = []

  /// Throws where the scanner should refuse. Labels are those that parse; nil marks a row whose labels do not.
  mutating func read(_ body: [UInt8]) throws -> (request: ReadRequest, badLabels: Set<Int>) {
    var request = ReadRequest()
    var badLabels: Set<Int> = []
    for field in try fields(body[...], known: 1, 3) {
      if field.number == 1 {
        guard field.type == 2 else { throw Malformed() }
        request.series.append(try series(field.content, row: request.series.count, &badLabels))
      } else if field.number == 3 {
        guard field.type == 2 else { throw Malformed() }
        request.metadata += 1
        notePart(field.content, prometheus__metric_metadata__unpack, prometheus__metric_metadata__free_unpacked)
      }
    }
    return (request, badLabels)
  }

  private mutating func series(
    _ bytes: ArraySlice<UInt8>, row: Int, _ badLabels: inout Set<Int>
  ) throws -> ReadRequest.Series {
    var series = ReadRequest.Series()
    for field in try fields(bytes, known: 1, 2, 3, 4) where (1...4).contains(field.number) {
      guard field.type == 2 else { throw Malformed() }
      switch field.number {
      case 1:
        do {
          series.labels += try label(field.content)
        } catch {
          oddities.insert(.label)
          badLabels.insert(row)
        }
      case 2:
        let (time, value) = try sample(field.content)
        series.times.append(time)
        series.values.append(value)
      case 3:
        series.exemplars += 1
        notePart(field.content, prometheus__exemplar__unpack, prometheus__exemplar__free_unpacked)
      default:
        series.histograms += 1
        notePart(field.content, prometheus__histogram__unpack, prometheus__histogram__free_unpacked)
      }
    }
    return series
  }

  private mutating func sample(_ bytes: ArraySlice<UInt8>) throws -> (Int64, UInt64) {
    var (time, value): (UInt64, UInt64) = (0, 0)
    for field in try fields(bytes, known: 1, 2) {
      if field.number == 1 {
        guard field.type == 1 else { throw Malformed() }
        value = field.number64
      } else if field.number == 2 {
        guard field.type == 0 else { throw Malformed() }
        time = field.number64
      }
    }
    return (Int64(bitPattern: time), value)
  }

  private mutating func label(_ bytes: ArraySlice<UInt8>) throws -> [[UInt8]] {
    var parts: [[UInt8]] = [[], []]
    for field in try fields(bytes, known: 1, 2) where field.number <= 2 {
      guard field.type == 2 else { throw Malformed() }
      parts[Int(field.number) - 1] = Array(field.content)
    }
    return parts
  }

  private mutating func notePart<Message>(
    _ bytes: ArraySlice<UInt8>,
    _ unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<Message>?,
    _ free: (UnsafeMutablePointer<Message>?, UnsafeMutablePointer<ProtobufCAllocator>?) -> Void
  ) {
    let message = (Array(bytes) + [0]).withUnsafeBufferPointer { unpack(nil, bytes.count, $0.baseAddress) }
    if message == nil { oddities.insert(.part) }
    free(message, nil)
  }

  // MARK: the wire

  private mutating func fields(_ bytes: ArraySlice<UInt8>, known: UInt64...) throws -> [Field] {
    var fields: [Field] = []
    var rest = bytes
    while !rest.isEmpty {
      let before = rest.count
      let tag = try varint(&rest)
      let tagBytes = before - rest.count
      if tagBytes > 5 { oddities.insert(.longPrefix) }
      if tagBytes > 1, tagBytes > varintLength(tag) {
        oddities.insert(.longTag)
        if known.contains(tag >> 3) { throw Malformed() }
      }
      guard tag >> 3 >= 1, tag >> 3 < 1 << 29 else {
        oddities.insert(.fieldNumber)
        throw Malformed()
      }
      var field = Field(number: tag >> 3, type: tag & 7)
      switch field.type {
      case 0: field.number64 = try varint(&rest)
      case 1: field.number64 = try fixed(&rest, 8)
      case 2:
        let start = rest.count
        let length = try varint(&rest)
        if start - rest.count > 5 { oddities.insert(.longPrefix) }
        guard length <= UInt64(rest.count) else { throw Malformed() }
        field.content = rest.prefix(Int(length))
        rest = rest.dropFirst(Int(length))
      case 5: _ = try fixed(&rest, 4)
      default: throw Malformed()
      }
      fields.append(field)
    }
    return fields
  }

  private func varintLength(_ value: UInt64) -> Int {
    max(1, (70 - max(value, 1).leadingZeroBitCount) / 7)
  }

  private mutating func fixed(_ rest: inout ArraySlice<UInt8>, _ count: Int) throws -> UInt64 {
    guard rest.count >= count else { throw Malformed() }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<10 {
      guard let byte = rest.popFirst() else { throw Malformed() }
      if index == 9, byte > 1 {
        if byte < 0x80 { oddities.insert(.overflow) }
        throw Malformed()
      }
      value |= UInt64(byte & 0x7f) << UInt64(7 * index)
      if byte < 0x80 { return value }
    }
    throw Malformed()
  }
}

/// The reading of protobuf-c; nil where it refuses. Strings end at their first NUL, as it hands them out.
func oracleReading(_ body: [UInt8]) -> ReadRequest? {
  // The oracle wants an address even for nothing.
  let message = (body + [0]).withUnsafeBufferPointer {
    prometheus__write_request__unpack(nil, body.count, $0.baseAddress)
  }
  guard let message else { return nil }
  defer { prometheus__write_request__free_unpacked(message, nil) }
  var request = ReadRequest(series: [], metadata: message.pointee.n_metadata)
  for row in 0..<message.pointee.n_timeseries {
    guard let series = message.pointee.timeseries[row]?.pointee else { return nil }
    var read = ReadRequest.Series()
    for index in 0..<series.n_labels {
      guard let label = series.labels[index]?.pointee else { return nil }
      read.labels += [Array(String(cString: label.name).utf8), Array(String(cString: label.value).utf8)]
    }
    for index in 0..<series.n_samples {
      guard let sample = series.samples[index]?.pointee else { return nil }
      read.times.append(sample.timestamp)
      read.values.append(sample.value.bitPattern)
    }
    read.exemplars = series.n_exemplars
    read.histograms = series.n_histograms
    request.series.append(read)
  }
  return request
}

extension ReadRequest {
  /// As the oracle's strings are: up to the first NUL, malformed UTF-8 replaced.
  var asStrings: ReadRequest {
    var copy = self
    for row in copy.series.indices {
      copy.series[row].labels = copy.series[row].labels.map { bytes in
        Array(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).utf8)
      }
    }
    return copy
  }
}
