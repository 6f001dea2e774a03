import CShims
import Platform
import Synchronization

/// An answer in pieces between those who make them and the connection that sends them. Nobody waits: pieces are made until
/// `bytesMax` of them wait for the client; when it has taken half, the next ones are made on the threads for answers. The
/// connection is suspended while there is nothing to send. Its handle is only used while the request it serves lasts:
/// `abandon` ends that.
/// Invariant: one thread at a time makes pieces, and only it touches `writer`.
final class AnswerStream: @unchecked Sendable {
  private enum End { case open, complete, failed }

  enum Read { case bytes(Int), later, end, failed }

  private struct State: ~Copyable, @unchecked Sendable {
    var store = ByteStore()
    /// Bytes at the front of `store` that were read.
    var readCount = 0
    var end = End.open
    var isProducing = true
    /// The connection, while it is suspended for want of bytes.
    var waiting: OpaquePointer?

    var pendingCount: Int { store.count - readCount }
  }

  private let state = Mutex(State())
  private let bytesMax: Int
  private let core: ServerCore
  private let request: Request
  private var pieces: BodyPieces?
  private var writer: ResponseWriter?

  /// Whoever made it goes on with `produce`.
  init(_ pieces: @escaping BodyPieces, begunWith writer: ResponseWriter, for request: Request, core: ServerCore) {
    self.pieces = pieces
    self.writer = writer
    self.request = request
    self.core = core
    bytesMax = core.options.streamBytesMax
    writer.stream = self
  }

  // MARK: The maker's end

  /// Makes pieces until enough wait, or all are made.
  func produce() {
    do throws(StreamError) {
      while true {
        guard !request.isCancelled, let pieces, let writer else { throw .clientGone }
        if try pieces(writer) == .last {
          try writer.finish()
          return close(.complete)
        }
        let isEnough = state.withLock { state in
          guard state.end == .open, state.pendingCount >= bytesMax else { return false }
          state.isProducing = false
          return true
        }
        if isEnough { return }
      }
    } catch {
      if case .failed(let reason) = error {
        core.log.warn("an answer was cut short", ["path": request.path, "reason": reason])
      }
      close(.failed)
    }
  }

  /// Adds what was made.
  func append(_ bytes: UnsafeRawBufferPointer) throws(StreamError) {
    if bytes.isEmpty { return }
    let outcome = state.withLock { state -> StreamError? in
      if state.end != .open { return .clientGone }
      if state.readCount > 0 && state.readCount * 2 >= state.store.count {
        state.store.removeFirst(state.readCount)
        state.readCount = 0
      }
      guard state.store.append(bytes) else { return .failed("out of memory") }
      Self.wake(&state)
      return nil
    }
    if let outcome { throw outcome }
  }

  /// No more will be made; a failure cuts the connection instead of ending the answer.
  private func close(_ end: End) {
    if let compressor = writer?.takeCompressor() { core.compressors.give(compressor) }
    writer = nil
    pieces = nil
    state.withLock { state in
      state.isProducing = false
      if state.end == .open { state.end = end }
      Self.wake(&state)
    }
  }

  private static func wake(_ state: inout State) {
    guard let connection = state.waiting else { return }
    state.waiting = nil
    MHD_resume_connection(connection)
  }

  // MARK: The connection's end

  /// Copies out the bytes that are ready; `.later` has suspended the connection until there are more.
  func read(into buffer: UnsafeMutableRawBufferPointer, for connection: OpaquePointer) -> Read {
    let (read, goesOn) = state.withLock { state -> (Read, Bool) in
      if state.end == .failed { return (.failed, false) }
      let count = min(buffer.count, state.pendingCount)
      if count == 0 {
        if state.end == .complete { return (.end, false) }
        MHD_suspend_connection(connection)
        state.waiting = connection
      } else {
        buffer.copyMemory(from: state.store.bytes.part(state.readCount..<state.readCount + count))
        state.readCount += count
        if state.readCount == state.store.count {
          state.store.removeAll()
          state.readCount = 0
        }
      }
      let goesOn = state.end == .open && !state.isProducing && state.pendingCount <= bytesMax / 2
      if goesOn { state.isProducing = true }
      return (count == 0 ? .later : .bytes(count), goesOn)
    }
    if goesOn, !core.runForAnswers({ [self] in produce() }) { close(.failed) }
    return read
  }

  /// The request is over or given up: whoever makes pieces learns it at the next.
  func abandon() {
    state.withLock { state in
      state.end = .failed
      state.store.release()
      state.readCount = 0
      Self.wake(&state)
    }
  }
}
