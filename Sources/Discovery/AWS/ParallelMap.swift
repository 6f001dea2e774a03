import Platform
import Synchronization

/// The results of waiting calls that run at the same time, on threads that end with the last of them. Pure of state.
enum ParallelMap {
  /// `body` of each element, in the order of the elements. The caller's thread does its part; where the system has no
  /// further thread, it does more.
  static func run<Element: Sendable, Result: Sendable>(
    _ elements: [Element], name: String, threadsMax: Int, _ body: @escaping @Sendable (Element) -> Result
  ) -> [Result] {
    let progress = Progress<Result>(count: elements.count)
    let work: @Sendable () -> Void = {
      while let place = progress.take() { progress.put(body(elements[place]), at: place) }
    }
    var threads: [NamedThread] = []
    let threadCount = min(threadsMax, elements.count)
    for number in stride(from: 1, to: threadCount, by: 1) {
      guard let thread = try? NamedThread(name: "\(name)-\(number)", work) else { break }
      threads.append(thread)
    }
    work()
    for thread in threads { thread.join() }
    return progress.results
  }

  private final class Progress<Result: Sendable>: Sendable {
    private struct State: Sendable {
      var next = 0
      var results: [Result?]
    }

    private let count: Int
    private let state: Mutex<State>

    init(count: Int) {
      self.count = count
      state = Mutex(State(results: Array(repeating: nil, count: count)))
    }

    /// The place of an element that nobody has begun; nil where there is none.
    func take() -> Int? {
      state.withLock { state in
        guard state.next < count else { return nil }
        defer { state.next += 1 }
        return state.next
      }
    }

    func put(_ result: Result, at place: Int) { state.withLock { $0.results[place] = result } }

    var results: [Result] { state.withLock { $0.results.compactMap { $0 } } }
  }
}
