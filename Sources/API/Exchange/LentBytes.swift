import Format
import HTTP
import Model
import PromQL
import TSDB

// The unsafe code of the API, but for what endpoints say with `unsafe` where they hand a body on: bytes that a request, a
// label set or a buffer lends are passed on while they are lent, and never kept.

extension JSONBuffer {
  /// A label set as an object.
  mutating func labels(_ labels: Labels) {
    raw("{")
    var isFirst = true
    unsafe labels.forEach { name, value in
      if !isFirst { raw(",") }
      isFirst = false
      unsafe string(name)
      raw(":")
      unsafe string(value)
    }
    raw("}")
  }

  /// One of a list of texts.
  mutating func pageString(_ index: Int, of texts: LabelTexts) {
    unsafe texts.withText(index) { unsafe pageString($0) }
  }

  /// The floats of a column, each with its time.
  mutating func floats(_ column: SampleColumn) {
    unsafe column.timestamps.withUnsafeBufferPointer { times in
      unsafe column.values.withUnsafeBufferPointer { values in unsafe samples(times, values) }
    }
  }
}

extension JSONDocument {
  /// Nil where the text is not one JSON value.
  init?(text: String) {
    var text = text
    let parsed = text.withUTF8 { bytes in unsafe JSONDocument(LentBytes(UnsafeRawBufferPointer(bytes))) }
    guard let parsed else { return nil }
    self = parsed
  }
}

extension ResponseWriter {
  func write(_ buffer: borrowing ByteBuffer) throws(StreamError) { try unsafe write(buffer.bytes) }
}

extension Request {
  /// The text behind the `?`, as sent.
  var rawQueryText: String { unsafe String(decoding: rawQuery, as: UTF8.self) }

  /// The body, which the request lends for as long as it is answered.
  var lentBody: LentBytes { unsafe LentBytes(body) }

  /// A part of the path as sent, decoded: it may be no UTF-8.
  func pathBytes(_ name: String) -> [UInt8] { unsafe withPathParameter(name) { unsafe Array($0) } }

  /// The body, which is one snappy block.
  func decodeSnappy(into decoded: inout ByteBuffer, decodedBytesMax: Int) throws(CompressionError) {
    try unsafe Snappy.decode(body, into: &decoded, decodedBytesMax: decodedBytesMax)
  }
}

extension RemoteReadRequest {
  init(_ message: borrowing ByteBuffer) throws(ReadError) { try unsafe self.init(message.bytes) }
}

extension RemoteReadWriter {
  static func appendField(_ tag: UInt8, _ content: borrowing ByteBuffer, to buffer: inout ByteBuffer) {
    unsafe appendField(tag, content.bytes, to: &buffer)
  }

  mutating func appendChunk(_ chunk: EncodedHistogramChunk) {
    unsafe chunk.bytes.withUnsafeBytes {
      unsafe appendChunk(from: chunk.minTime, through: chunk.maxTime, encoding: chunk.encoding, $0)
    }
  }
}

extension Snappy {
  /// One block of all that the buffer holds.
  static func encoded(_ buffer: borrowing ByteBuffer) -> [UInt8] {
    var compressed = ByteBuffer(capacity: 64)
    unsafe encode(buffer.bytes, into: &compressed)
    return unsafe Array(compressed.bytes)
  }
}
