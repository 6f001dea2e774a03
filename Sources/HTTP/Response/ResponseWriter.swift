/// The writer of an answer in pieces: it gathers first, so that a small answer is sent as a whole, then compresses
/// where the client takes that, and hands on to the stream. Used by one thread at a time.
package final class ResponseWriter {
  /// Bytes that are gathered before they are handed on, and the largest answer that is sent as a whole.
  static let stageBytes = 64 * 1024

  /// Nil while all is gathered: on an inline route, and until an answer is too large to be sent as a whole.
  weak var stream: AnswerStream?
  private var compressor: (any Compressor)?
  private var stage = ByteStore()
  private var compressed = ByteStore()
  private let request: Request

  init(for request: Request) { self.request = request }

  /// True once nobody reads any more.
  package var isCancelled: Bool { request.isCancelled }

  /// Bytes that were written and not handed on.
  var stagedCount: Int { stage.count }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(StreamError) {
    request.work.bytes.add(bytes.count, ordering: .relaxed)
    guard stage.append(bytes) else { throw .failed("out of memory") }
    if stream != nil && stage.count >= Self.stageBytes { try flush() }
  }

  package func write(_ text: StaticString) throws(StreamError) { try write(text.rawBytes) }

  package func write(_ bytes: [UInt8]) throws(StreamError) {
    // A typed error does not pass through the array's own closure.
    let result: Result<Void, StreamError> = bytes.withUnsafeBytes { pointer in
      do throws(StreamError) {
        return .success(try write(pointer))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Sends what was gathered, so that the client sees it now; a compressed answer (see `mayCompress`) may still wait.
  package func flush() throws(StreamError) {
    guard let stream, stage.count > 0 else { return }
    try handOn(to: stream, finish: false)
  }

  /// The rest, and the end of the compression.
  func finish() throws(StreamError) {
    guard let stream else { return }
    try handOn(to: stream, finish: true)
    stage.release()
    compressed.release()
  }

  /// From here on all is compressed.
  func compress(with compressor: any Compressor) { self.compressor = compressor }

  func takeCompressor() -> (any Compressor)? {
    defer { compressor = nil }
    return compressor
  }

  /// All that was gathered; the caller frees it.
  func takeStaged() -> UnsafeMutableRawBufferPointer { stage.take() }

  private func handOn(to stream: AnswerStream, finish: Bool) throws(StreamError) {
    if let compressor {
      guard compressor.compress(stage.bytes, into: &compressed, finish: finish) else { throw .failed("out of memory") }
      try stream.append(compressed.bytes)
      compressed.removeAll()
    } else {
      try stream.append(stage.bytes)
    }
    stage.removeAll()
  }
}
