import Model

// Reads the protobuf message io.prometheus.write.v2.Request in place:
//
//   4 symbol*          symbol 0 is ""
//   5 timeseries*  { 1 label reference* (uint32, packed or not: name, value, name, value ...)
//                    2 sample* { 1 value (double)  2 timestamp (int64)  3 start_timestamp (int64) }
//                    3 histogram*   as in 1.0, with 17 start_timestamp
//                    4 exemplar*  { 1 label reference*  2 value (double)  3 timestamp (int64) }
//                    5 metadata   { 1 type  3 help reference  4 unit reference } }
//
// It fills the rows that a 1.0 body fills: the labels of each series are written out in their 1.0 form, so that a series
// is the same to all that follows in whichever protocol it comes. Fields 1 to 3 of the request are reserved, so that a
// 1.0 body, taken for this, is empty. Unknown fields are skipped; every length and reference is checked.
package enum WriteRequestV2Scanner {
  /// Symbols of one body.
  package static let symbolsMax = 1 << 21
  /// Bytes of labels, exemplars and metadata that one body may be written out to: a long symbol can be referred to by
  /// two bytes, over and over. Four times what a body may be.
  package static let gatheredBytesMax = 128 << 20

  /// Fills `rows` from `body`. On an error `rows` holds what came before it and must not be used.
  package static func scan(
    _ body: UnsafeRawBufferPointer, key: KeyedHash, into rows: inout WriteRequestRows
  ) throws(WriteRequestError) {
    rows.removeAll()
    rows.areMessagesGathered = true
    guard body.count <= Int(Int32.max) else { throw WriteRequestError(reason: "body over 2 GiB", offset: 0) }
    guard let base = body.baseAddress, body.count > 0 else { return }
    let whole = WireCursor(at: base, end: base + body.count)
    var scan = V2SeriesScan(base: base, key: key, nameReference: try scanSymbols(whole, base, &rows))
    var cursor = whole
    while !cursor.isAtEnd {
      if cursor.byteTag() == 0x2a {
        guard let part = cursor.lengthDelimited() else { throw failure("timeseries is cut", cursor, base) }
        guard scan.series(part, into: &rows) else {
          let isTooMuch = rows.gathered.count > gatheredBytesMax
          throw failure(isTooMuch ? "labels of more than \(gatheredBytesMax) bytes" : "bad timeseries", part, base)
        }
        if rows.rows.count + rows.faults.count > WriteRequestScanner.seriesMax {
          throw failure("more than \(WriteRequestScanner.seriesMax) timeseries", cursor, base)
        }
        if rows.times.count > WriteRequestScanner.samplesMax {
          throw failure("more than \(WriteRequestScanner.samplesMax) samples", cursor, base)
        }
      } else {
        // Was well formed when the symbols were read.
        guard cursor.skipUnknown(known: 0) else { throw failure("bad field", cursor, base) }
      }
    }
  }

  /// Fills the table, which may lie anywhere in the body; returns the reference of `__name__`, or one that no label has.
  private static func scanSymbols(
    _ whole: WireCursor, _ base: UnsafeRawPointer, _ rows: inout WriteRequestRows
  ) throws(WriteRequestError) -> UInt32 {
    var cursor = whole
    var name = UInt32.max
    while !cursor.isAtEnd {
      switch cursor.byteTag() {
      case 0x22:
        guard let part = cursor.lengthDelimited() else { throw failure("a symbol is cut", cursor, base) }
        if rows.symbols.count >= symbolsMax { throw failure("more than \(symbolsMax) symbols", cursor, base) }
        if rows.symbols.count == 0, part.count > 0 {
          throw failure("symbols must start with an empty string", part, base)
        }
        if name == UInt32.max, isMetricName(part) { name = UInt32(rows.symbols.count) }
        rows.symbols.append(WriteSymbol(offset: part.offset(from: base), length: UInt32(part.count)))
      case 0x2a:
        guard cursor.lengthDelimited() != nil else { throw failure("timeseries is cut", cursor, base) }
      default:
        guard cursor.skipUnknown(known: 0b110000) else { throw failure("bad field", cursor, base) }
      }
    }
    if rows.symbols.count == 0 { throw failure("symbols must start with an empty string", whole, base) }
    return name
  }

  private static func isMetricName(_ symbol: WireCursor) -> Bool {
    // "__name__", as eight bytes.
    symbol.count == 8
      && UInt64(littleEndian: symbol.position.loadUnaligned(as: UInt64.self)) == 0x5f5f_656d_616e_5f5f
  }

  private static func failure(_ reason: String, _ cursor: WireCursor, _ base: UnsafeRawPointer) -> WriteRequestError {
    WriteRequestError(reason: reason, offset: Int(cursor.offset(from: base)))
  }
}
