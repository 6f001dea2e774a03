import Platform
import Synchronization

/// What each thread of a run is at, so that one which stands still is found and named. Any thread.
final class ProgressBoard: Sendable {
  struct Entry: Sendable {
    var doing = "starting"
    var operations = 0
  }

  private let entries = Monitor<[String: Entry]>([:])

  /// A thread begins something new.
  func enter(_ thread: String, _ doing: String) {
    entries.withLock { entries in
      entries[thread, default: Entry()].doing = doing
      entries[thread, default: Entry()].operations += 1
    }
    entries.wakeAll()
  }

  func operations(of threads: [String]) -> [Int] {
    entries.withLock { entries in threads.map { entries[$0]?.operations ?? 0 } }
  }

  var operationsInAll: Int { entries.withLock { $0.values.reduce(0) { $0 + $1.operations } } }

  /// Waits until each of the threads has begun something new since `before`, or has ended; the names of those that have not
  /// after so long.
  func waitForProgress(of threads: [String], since before: [Int], milliseconds: Int64) -> [String] {
    func standing(_ entries: [String: Entry]) -> [String] {
      zip(threads, before).filter { entries[$0]?.operations ?? 0 <= $1 }.map(\.0)
    }
    let deadline = Deadline(milliseconds: milliseconds, of: SystemClock())
    let isDone: Void? = entries.wait(until: deadline) { standing($0).isEmpty ? () : nil }
    return isDone != nil ? [] : entries.withLock { standing($0) }
  }

  /// What every thread is at, for people.
  var text: String {
    entries.withLock { $0 }.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.doing)" }.joined(separator: "; ")
  }
}
