import Glibc
import Synchronization

/// What a child process wrote to one of its streams. A thread of its own drains the pipe, so that the child never
/// blocks; the newest `limitBytes` are kept. Safe to use from any thread.
package final class CapturedOutput: Sendable {
  package static let limitBytes = 1 << 20

  private struct State {
    var bytes: [UInt8] = []
    var bytesDropped = 0
    var ended = false
  }

  private let state = Mutex(State())

  init(reading descriptor: Int32) {
    startThread { [self] in drain(descriptor) }
  }

  /// The text so far (its newest part, where there was more than the limit).
  package var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

  /// How much of the beginning the limit has cost.
  package var bytesDropped: Int { state.withLock { $0.bytesDropped } }

  /// The text once the stream has ended; what there is when it has not within `deadline`.
  package func complete(within deadline: Duration = .seconds(5)) -> String {
    _ = eventually(within: deadline) { state.withLock { $0.ended } }
    return text
  }

  private func drain(_ descriptor: Int32) {
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 1)
    defer {
      chunk.deallocate()
      close(descriptor)
    }
    while true {
      let count = read(descriptor, chunk.baseAddress!, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      state.withLock { state in
        state.bytes.append(contentsOf: chunk[0..<count])
        // Cut in big steps: moving the rest for every chunk would make a chatty child slow.
        if state.bytes.count > 2 * Self.limitBytes {
          let surplus = state.bytes.count - Self.limitBytes
          state.bytes.removeFirst(surplus)
          state.bytesDropped += surplus
        }
      }
    }
    state.withLock { $0.ended = true }
  }
}
