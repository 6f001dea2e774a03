// An exemplar of a remote-write 1.0 body: 1 label*, 2 value (double), 3 timestamp (int64).

/// The message, read in place; its labels go to `LabelFields`.
package struct ExemplarMessage {
  package var time: Int64 = 0
  /// Bits of the value.
  package var value: UInt64 = 0

  /// Nil where it is not well formed; `labels` is filled with the labels as they come, places in `bytes`.
  package init?(_ bytes: UnsafeRawBufferPointer, _ labels: inout LabelFields) {
    labels.fields.removeAll()
    guard let base = bytes.baseAddress else { return }
    var cursor = WireCursor(at: base, end: base + bytes.count)
    while !cursor.isAtEnd {
      switch cursor.byteTag() {
      case 0x0a:
        guard var label = cursor.lengthDelimited(), labels.fields.count < LabelFields.labelsMax,
          labels.append(&label, base)
        else { return nil }
      case 0x11:
        guard let bits = cursor.fixed64() else { return nil }
        value = bits
      case 0x18:
        guard let number = cursor.varint() else { return nil }
        time = Int64(bitPattern: number)
      default:
        guard cursor.skipUnknown(known: 0b1110) else { return nil }
      }
    }
  }
}
