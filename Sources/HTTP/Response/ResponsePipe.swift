import CShims

#if canImport(Glibc)
  import Glibc
#endif

/// The bounded pipe between a worker that writes an answer and the connection that sends it. One mutex guards all;
/// the worker waits on a condition for room, the connection is suspended while there is nothing to send. The
/// connection's handle is only used while the request it serves lasts: `abandon` ends that.
final class ResponsePipe: @unchecked Sendable {
  private enum End { case open, complete, failed, abandoned }

  enum Read { case bytes(Int), later, end, failed }

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let room: UnsafeMutablePointer<pthread_cond_t>
  private let bytesMax: Int
  private let stallMillisecondsMax: Int
  private var store = ByteStore()
  /// Bytes at the front of `store` that were read.
  private var readCount = 0
  private var end = End.open
  /// The connection, while it is suspended for want of bytes.
  private var waiting: OpaquePointer?

  init(bytesMax: Int, stallMillisecondsMax: Int) {
    self.bytesMax = bytesMax
    self.stallMillisecondsMax = stallMillisecondsMax
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
    room = .allocate(capacity: 1)
    room.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(room, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(room)
    room.deallocate()
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  // MARK: The worker's end

  /// Returns when all is in the pipe; waits for room.
  func write(_ bytes: UnsafeRawBufferPointer) throws(StreamFailure) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    var offset = 0
    while offset < bytes.count {
      guard end == .open else { throw .clientGone }
      let free = bytesMax - (store.count - readCount)
      if free <= 0 {
        try waitForRoom()
        continue
      }
      if readCount > 0 && readCount * 2 >= store.count {
        store.removeFirst(readCount)
        readCount = 0
      }
      let count = min(free, bytes.count - offset)
      guard store.append(bytes.part(offset..<offset + count)) else { throw .failed("out of memory") }
      offset += count
      wake()
    }
  }

  /// Called with the mutex held, which it gives up while it waits.
  private func waitForRoom() throws(StreamFailure) {
    var deadline = timespec()
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    deadline.tv_sec += stallMillisecondsMax / 1000
    deadline.tv_nsec += stallMillisecondsMax % 1000 * 1_000_000
    if deadline.tv_nsec >= 1_000_000_000 {
      deadline.tv_sec += 1
      deadline.tv_nsec -= 1_000_000_000
    }
    while end == .open && store.count - readCount >= bytesMax {
      if pthread_cond_timedwait(room, mutex, &deadline) == ETIMEDOUT { throw .clientGone }
    }
  }

  /// No more will be written; `failed` cuts the connection instead of ending the answer.
  func close(failed: Bool) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if end == .open { end = failed ? .failed : .complete }
    wake()
  }

  /// Called with the mutex held.
  private func wake() {
    guard let connection = waiting else { return }
    waiting = nil
    MHD_resume_connection(connection)
  }

  // MARK: The connection's end

  /// What there is; `.later` has suspended the connection until there is more.
  func read(into buffer: UnsafeMutableRawBufferPointer, for connection: OpaquePointer) -> Read {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if end == .failed || end == .abandoned { return .failed }
    let count = min(buffer.count, store.count - readCount)
    if count == 0 {
      if end == .complete { return .end }
      MHD_suspend_connection(connection)
      waiting = connection
      return .later
    }
    buffer.copyMemory(from: store.bytes.part(readCount..<readCount + count))
    readCount += count
    if readCount == store.count {
      store.removeAll()
      readCount = 0
    }
    pthread_cond_signal(room)
    return .bytes(count)
  }

  /// The request is over or given up: the worker learns it at its next write.
  func abandon() {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if end != .failed { end = .abandoned }
    pthread_cond_broadcast(room)
    wake()
  }
}
