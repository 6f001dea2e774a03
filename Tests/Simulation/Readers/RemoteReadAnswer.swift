import Model
import TestKit

// What a remote read answers, decoded apart from the code that wrote it: TimeSeries, and frames of ChunkedReadResponse.

/// The fields of a protobuf message, in order. A plain value.
struct ProtobufFields: Sequence, IteratorProtocol {
  enum Value {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  private var rest: ArraySlice<UInt8>

  init(_ message: ArraySlice<UInt8>) { rest = message }

  mutating func next() -> (number: UInt64, value: Value)? {
    guard let tag = ProtobufFields.takeVarint(&rest) else { return nil }
    switch tag & 7 {
    case 0:
      guard let value = ProtobufFields.takeVarint(&rest) else { return nil }
      return (tag >> 3, .number(value))
    case 1:
      guard rest.count >= 8 else { return nil }
      defer { rest = rest.dropFirst(8) }
      return (tag >> 3, .number(rest.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }))
    default:
      guard tag & 7 == 2, let count = ProtobufFields.takeVarint(&rest), count <= rest.count else { return nil }
      defer { rest = rest.dropFirst(Int(count)) }
      return (tag >> 3, .bytes(rest.prefix(Int(count))))
    }
  }

  static func takeVarint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = bytes.popFirst() else { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  static func text(_ value: Value) -> String {
    guard case .bytes(let bytes) = value else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }
}

enum RemoteReadAnswer {
  /// The series of an answer of samples: nil where it cannot be read.
  static func samples(_ compressed: [UInt8]) -> [Labels: WorldModel.Times]? {
    guard let message = snappyDecompressed(compressed) else { return nil }
    var found: [Labels: WorldModel.Times] = [:]
    for (_, result) in ProtobufFields(message[...]) {
      guard case .bytes(let result) = result else { return nil }
      for (_, series) in ProtobufFields(result) {
        guard case .bytes(let series) = series else { return nil }
        var times: WorldModel.Times = [:]
        var pairs: [(String, String)] = []
        for (number, value) in ProtobufFields(series) {
          guard case .bytes(let part) = value else { return nil }
          if number == 1 { pairs.append(label(part)) }
          if number == 2 { add(sample: part, to: &times) }
        }
        found[Labels(pairs)] = times
      }
    }
    return found
  }

  /// The same of a streamed answer of chunks.
  static func chunks(_ stream: [UInt8]) -> [Labels: WorldModel.Times]? {
    var found: [Labels: WorldModel.Times] = [:]
    var rest = stream[...]
    while !rest.isEmpty {
      guard let count = ProtobufFields.takeVarint(&rest), rest.count >= Int(count) + 4 else { return nil }
      rest = rest.dropFirst(4)
      let frame = rest.prefix(Int(count))
      rest = rest.dropFirst(Int(count))
      for case (1, .bytes(let series)) in ProtobufFields(frame) {
        var pairs: [(String, String)] = []
        var times: WorldModel.Times = [:]
        for case (let number, .bytes(let part)) in ProtobufFields(series) {
          if number == 1 { pairs.append(label(part)) }
          if number == 2, !add(chunk: part, to: &times) { return nil }
        }
        found[Labels(pairs), default: [:]].merge(times) { first, _ in first }
      }
    }
    return found
  }

  private static func label(_ message: ArraySlice<UInt8>) -> (String, String) {
    var pair = ("", "")
    for (number, value) in ProtobufFields(message) {
      if number == 1 { pair.0 = ProtobufFields.text(value) } else { pair.1 = ProtobufFields.text(value) }
    }
    return pair
  }

  private static func add(sample message: ArraySlice<UInt8>, to times: inout WorldModel.Times) {
    var (bits, time): (UInt64, UInt64) = (0, 0)
    for case (let field, .number(let value)) in ProtobufFields(message) {
      if field == 1 { bits = value } else { time = value }
    }
    times[Int64(bitPattern: time)] = bits
  }

  /// False where the chunk is none, or holds other times than it says.
  private static func add(chunk message: ArraySlice<UInt8>, to times: inout WorldModel.Times) -> Bool {
    var numbers: [UInt64: UInt64] = [:]
    var data: ArraySlice<UInt8> = []
    for (field, value) in ProtobufFields(message) {
      switch value {
      case .number(let number): numbers[field] = number
      case .bytes(let bytes): data = bytes
      }
    }
    guard numbers[3] == 1, let samples = XORBits.samples(Array(data)), let first = samples.first,
      let last = samples.last, first.time == Int64(bitPattern: numbers[1] ?? 0),
      last.time == Int64(bitPattern: numbers[2] ?? 0)
    else { return false }
    for sample in samples { times[sample.time] = sample.bits }
    return true
  }
}
