import CShims
import Glibc
import Synchronization

/// The system gave no thread (too many, or no memory for its stack).
package struct ThreadError: Error, Equatable, CustomStringConvertible {
  package var name: String
  package var code: Int32

  package var description: String { "thread \(name): \(errorText(code))" }
}

/// A thread of the operating system with a name that `top -H` and debuggers show. It runs from `init` until `body` returns.
/// Any other thread may join it, any number of times; one that is never joined cleans up after itself.
package final class NamedThread: Sendable {
  /// Address space, not memory: pages are taken when touched. Deep recursion (query trees) bounds itself far below.
  package static let stackBytesDefault = 4 << 20
  /// Bytes that Linux keeps of a name.
  package static let nameBytesMax = 15

  package let name: String
  private let handle: pthread_t
  private let isJoined = Mutex(false)

  package init(
    name: String, stackBytes: Int = NamedThread.stackBytesDefault, _ body: @escaping @Sendable () -> Void
  ) throws(ThreadError) {
    self.name = name
    var attributes = pthread_attr_t()
    var code = pthread_attr_init(&attributes)
    if code != 0 { throw ThreadError(name: name, code: code) }
    defer { pthread_attr_destroy(&attributes) }
    code = pthread_attr_setstacksize(&attributes, stackBytes)
    if code != 0 { throw ThreadError(name: name, code: code) }
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    var handle = pthread_t()
    code = pthread_create(&handle, &attributes, runStart, start.toOpaque())
    if code != 0 {
      start.release()
      throw ThreadError(name: name, code: code)
    }
    self.handle = handle
  }

  deinit {
    if !isJoined.withLock({ $0 }) { pthread_detach(handle) }
  }

  /// Returns when `body` has returned.
  package func join() {
    precondition(!isCurrent, "a thread cannot wait for its own end")
    // A second joiner waits here for the first.
    isJoined.withLock { isJoined in
      if isJoined { return }
      let code = pthread_join(handle, nil)
      precondition(code == 0, "a thread is joined once and never by itself")
      isJoined = true
    }
  }

  /// True if the caller runs on this thread.
  package var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }
}

/// The name and body that a new thread takes over from its creator.
private final class Start: Sendable {
  let name: String
  let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }
}

private func runStart(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
  // A longer name would be refused as a whole.
  apus_thread_name(String(decoding: start.name.utf8.prefix(NamedThread.nameBytesMax), as: UTF8.self))
  start.body()
  return nil
}
