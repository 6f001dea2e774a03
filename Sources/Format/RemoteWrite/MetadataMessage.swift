// One metadata message of a remote-write body:
//
//   1 type (enum)   2 metric_family_name   4 help   5 unit

/// The metadata of a metric as a sender gives it. A plain value.
package struct MetadataMessage: Sendable, Equatable {
  package var kind = 0
  package var name = ""
  package var help = ""
  package var unit = ""

  /// Nil where the bytes are no such message.
  package init?(_ message: UnsafeRawBufferPointer) {
    guard let base = message.baseAddress else { return }
    var cursor = WireCursor(at: base, end: base + message.count)
    while !cursor.isAtEnd {
      switch cursor.byteTag() {
      case 0x08:
        guard let number = cursor.varint() else { return nil }
        kind = Int(clamping: number)
      case 0x12:
        guard let text = MetadataMessage.text(&cursor) else { return nil }
        name = text
      case 0x22:
        guard let text = MetadataMessage.text(&cursor) else { return nil }
        help = text
      case 0x2a:
        guard let text = MetadataMessage.text(&cursor) else { return nil }
        unit = text
      default:
        guard cursor.skipUnknown(known: 0b110110) else { return nil }
      }
    }
  }

  private static func text(_ cursor: inout WireCursor) -> String? {
    guard let field = cursor.lengthDelimited() else { return nil }
    return String(decoding: UnsafeRawBufferPointer(start: field.position, count: field.count), as: UTF8.self)
  }

  /// Appends such a message for the series of this name: its family is named without what the parts of a histogram or
  /// summary end in.
  package static func append(
    kind: UInt32, metric: UnsafeRawBufferPointer, help: UnsafeRawBufferPointer, unit: UnsafeRawBufferPointer,
    to output: inout ByteBuffer
  ) {
    output.append(0x08)
    output.appendUvarint(UInt64(kind))
    append(tag: 0x12, family(of: metric, kind: kind), to: &output)
    append(tag: 0x22, help, to: &output)
    append(tag: 0x2a, unit, to: &output)
  }

  private static func append(tag: UInt8, _ text: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
    output.append(tag)
    output.appendUvarint(UInt64(text.count))
    output.append(text)
  }

  private static let histogramEndings: [StaticString] = ["_bucket", "_count", "_sum"]
  private static let gaugeHistogramEndings: [StaticString] = ["_bucket", "_gcount", "_gsum", "_count", "_sum"]
  private static let summaryEndings: [StaticString] = ["_count", "_sum"]

  private static func family(of metric: UnsafeRawBufferPointer, kind: UInt32) -> UnsafeRawBufferPointer {
    let endings: [StaticString]
    switch kind {
    case 3: endings = histogramEndings
    case 4: endings = gaugeHistogramEndings
    case 5: endings = summaryEndings
    default: return metric
    }
    for ending in endings {
      let bytes = UnsafeRawBufferPointer(start: ending.utf8Start, count: ending.utf8CodeUnitCount)
      if metric.count > bytes.count, metric.suffix(bytes.count).elementsEqual(bytes) {
        return UnsafeRawBufferPointer(rebasing: metric.dropLast(bytes.count))
      }
    }
    return metric
  }
}
