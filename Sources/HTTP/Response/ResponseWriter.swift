/// Where a handler writes an answer in pieces: staged, compressed where the client takes it, then handed to the
/// connection. Used by one thread.
package final class ResponseWriter {
  /// Pieces smaller than this are gathered before they are handed on.
  private static let stageBytes = 16 * 1024

  private enum Sink {
    case pipe(ResponsePipe)
    /// An inline route: all is kept.
    case memory
  }

  private let sink: Sink
  private let compressor: (any Compressor)?
  private var stage = ByteStore()
  private(set) var collected = ByteStore()
  private let request: Request

  init(pipe: ResponsePipe, compressor: (any Compressor)?, request: Request) {
    sink = .pipe(pipe)
    self.compressor = compressor
    self.request = request
  }

  /// A writer that keeps everything in memory.
  init(collectingFor request: Request) {
    sink = .memory
    compressor = nil
    self.request = request
  }

  /// True once nobody reads any more.
  package var isCancelled: Bool { request.isCancelled }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(StreamFailure) {
    request.work.bytes.add(bytes.count, ordering: .relaxed)
    if case .memory = sink {
      guard collected.append(bytes) else { throw .failed("out of memory") }
      return
    }
    if stage.count + bytes.count < Self.stageBytes {
      guard stage.append(bytes) else { throw .failed("out of memory") }
      return
    }
    try handOn(stage.bytes, finish: false)
    stage.removeAll()
    if bytes.count < Self.stageBytes {
      guard stage.append(bytes) else { throw .failed("out of memory") }
    } else {
      try handOn(bytes, finish: false)
    }
  }

  package func write(_ text: StaticString) throws(StreamFailure) { try write(text.rawBytes) }

  package func write(_ bytes: [UInt8]) throws(StreamFailure) {
    // A typed error does not pass through the array's own closure.
    let result: Result<Void, StreamFailure> = bytes.withUnsafeBytes { pointer in
      do throws(StreamFailure) {
        return .success(try write(pointer))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Sends what was gathered, so that the client sees it now; a compressed answer (see `mayCompress`) may still wait.
  package func flush() throws(StreamFailure) {
    if stage.count > 0 { try handOn(stage.bytes, finish: false) }
    stage.removeAll()
  }

  /// The rest, and the end of the compression.
  func finish() throws(StreamFailure) {
    try handOn(stage.bytes, finish: true)
    stage.release()
  }

  func takeCollected() -> UnsafeMutableRawBufferPointer { collected.take() }

  private func handOn(_ bytes: UnsafeRawBufferPointer, finish: Bool) throws(StreamFailure) {
    guard case .pipe(let pipe) = sink else { return }
    guard let compressor else { return try pipe.write(bytes) }
    guard compressor.compress(bytes, into: &collected, finish: finish) else { throw .failed("out of memory") }
    try pipe.write(collected.bytes)
    collected.removeAll()
  }
}
