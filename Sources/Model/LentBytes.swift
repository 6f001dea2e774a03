/// Bytes that somebody else owns and lends for the time of a call or of a delivery: nobody keeps them. Unlike a pointer's,
/// every access is checked against the end in release builds too. What is fast over raw memory is handed `raw`.
@safe @usableFromInline package struct LentBytes {
  /// The door to code over raw memory.
  @usableFromInline package let raw: UnsafeRawBufferPointer

  @inlinable package init(_ raw: UnsafeRawBufferPointer) { self.raw = raw }

  /// No bytes at all.
  @inlinable package init() { raw = UnsafeRawBufferPointer(start: nil, count: 0) }

  /// Some of them, counted from 0 again.
  @inlinable package func part(_ range: Range<Int>) -> LentBytes { LentBytes(raw.part(range)) }

  @inlinable package func part(from start: Int) -> LentBytes { LentBytes(raw.part(from: start)) }
}

extension LentBytes: RandomAccessCollection {
  @inlinable package var startIndex: Int { 0 }
  @inlinable package var endIndex: Int { raw.count }

  @inlinable package subscript(place: Int) -> UInt8 {
    precondition(place >= 0 && place < raw.count, "a byte behind the end")
    return raw[place]
  }

  @inlinable package func withContiguousStorageIfAvailable<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result? {
    try raw.withMemoryRebound(to: UInt8.self, body)
  }
}

extension UnsafeRawBufferPointer {
  /// Some of the bytes, checked in release builds too.
  @inlinable package func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes behind the end")
    return UnsafeRawBufferPointer(rebasing: self[range])
  }

  @inlinable package func part(from start: Int) -> UnsafeRawBufferPointer { part(start..<count) }
}

extension [UInt8] {
  /// Lends the bytes for the time of a call.
  @inlinable package func lend<Result, Failure: Error>(
    _ body: (LentBytes) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let outcome: Swift.Result<Result, Failure> = withUnsafeBytes { bytes in
      // The standard library's closure cannot throw a typed error out.
      do throws(Failure) { return .success(try body(LentBytes(bytes))) } catch { return .failure(error) }
    }
    return try outcome.get()
  }
}

extension String {
  /// Lends the text as UTF-8 for the time of a call.
  @inlinable package func lend<Result>(_ body: (LentBytes) -> Result) -> Result {
    var text = self
    return text.withUTF8 { body(LentBytes(UnsafeRawBufferPointer($0))) }
  }
}
