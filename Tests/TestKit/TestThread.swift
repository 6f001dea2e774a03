import Glibc
import Synchronization

/// Starts a detached thread. Tests have their own door to threads, so that they do not lean on the one they test.
package func startThread(_ body: @escaping @Sendable () -> Void) {
  let box = Unmanaged.passRetained(ThreadBody(body))
  var thread = pthread_t()
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  let result = pthread_create(
    &thread, &attributes,
    { context in
      Unmanaged<ThreadBody>.fromOpaque(context!).takeRetainedValue().body()
      return nil
    }, box.toOpaque())
  pthread_attr_destroy(&attributes)
  precondition(result == 0, "no thread: \(String(cString: strerror(result)))")
}

/// Runs `body` on `count` threads, each with its number, and returns their results in order once all have ended.
package func onThreads<Result: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (_ number: Int) -> Result
) -> [Result] {
  let gathering = Gathering<Result>(count)
  for number in 0..<count {
    startThread { gathering.put(body(number), at: number) }
  }
  return gathering.wait()
}

private final class ThreadBody: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private final class Gathering<Result: Sendable>: Sendable {
  private let results: Mutex<[Result?]>

  init(_ count: Int) { results = Mutex(Array(repeating: nil, count: count)) }

  func put(_ result: Result, at number: Int) { results.withLock { $0[number] = result } }

  func wait() -> [Result] {
    while true {
      if let all = results.withLock({ $0.contains { $0 == nil } ? nil : $0.compactMap { $0 } }) { return all }
      usleep(500)
    }
  }
}
