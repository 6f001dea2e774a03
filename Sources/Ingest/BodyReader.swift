import Format
import Model

/// Decodes remote-write bodies into rows. Its buffers serve one body after another, so that bodies of known series cost
/// no allocation. One thread's at a time.
final class BodyReader {
  /// A body larger than this does not keep its memory.
  private static let keptBytesMax = 4 << 20

  private var decoded = ByteBuffer(capacity: 64 << 10)
  private var zstd = ZstdDecoder()
  /// Rows of the last body; offsets in them refer to `bytes(of:_:)`.
  var rows = WriteRequestRows()

  /// Reads a body into `rows`; returns an outcome where it cannot be read, else nil.
  func read(
    _ body: LentBytes, _ form: BodyForm, decodedBytesMax: Int, key: KeyedHash
  ) -> ReceiveOutcome? {
    if let unread = decompress(body, form.encoding, decodedBytesMax) { return unread }
    let bytes = bytes(of: body, form)
    do throws(WriteRequestError) {
      switch form.message {
      case .v1: try WriteRequestScanner.scan(bytes.raw, key: key, into: &rows)
      case .v2: try WriteRequestV2Scanner.scan(bytes.raw, key: key, into: &rows)
      }
      return nil
    } catch {
      return .malformed(message: "not a remote-write request: \(error)")
    }
  }

  /// The bytes that were scanned, decompressed where the body was not; valid until the next body.
  func bytes(of body: LentBytes, _ form: BodyForm) -> LentBytes {
    form.encoding == .identity ? body : decoded.lent
  }

  /// Decompresses a body into `decoded`; returns an outcome where that is not possible, else nil.
  private func decompress(
    _ body: LentBytes, _ encoding: BodyEncoding, _ decodedBytesMax: Int
  ) -> ReceiveOutcome? {
    do throws(CompressionError) {
      switch encoding {
      case .identity:
        guard body.count <= decodedBytesMax else {
          throw .tooLarge(decodedBytes: body.count, decodedBytesMax: decodedBytesMax)
        }
      case .snappy: try Snappy.decode(body.raw, into: &decoded, decodedBytesMax: decodedBytesMax)
      case .zstd: try zstd.decode(body.raw, into: &decoded, decodedBytesMax: decodedBytesMax)
      case .gzip: try Gzip.decode(body.raw, into: &decoded, decodedBytesMax: decodedBytesMax)
      }
      return nil
    } catch {
      if case .outOfMemory = error { return .unavailable(message: "remote-write body: \(error)", retryAfterSeconds: 5) }
      if case .tooLarge = error { return .tooLarge(message: "remote-write body \(error)") }
      return .malformed(message: "remote-write body: \(encoding.name): \(error)")
    }
  }

  /// Makes ready for the next body and gives back what an unusual one made grow.
  func reset() {
    if decoded.capacity > BodyReader.keptBytesMax {
      decoded = ByteBuffer(capacity: 64 << 10)
    } else {
      decoded.removeAll()
    }
    rows.release(aboveRows: Delivery.keptRowsMax)
  }
}
