import Synchronization

/// Named threads that run tasks from one bounded queue. Any thread may submit; the owner stops it.
/// Invariant: a task that was accepted runs exactly once, also when the pool is stopped.
package final class WorkerPool: Sendable {
  package typealias Task = @Sendable () -> Void

  private let queue: BoundedQueue<Task>
  private let threads: [NamedThread]
  private let running: RunningCount

  /// Starts the threads; their names are `name-0`, `name-1`, ...
  package init(
    name: String, threadCount: Int, queueLimit: Int, stackBytes: Int = NamedThread.stackBytesDefault
  ) throws(ThreadError) {
    precondition(threadCount > 0, "a pool has threads")
    let queue = BoundedQueue<Task>(limit: queueLimit)
    let running = RunningCount()
    var threads: [NamedThread] = []
    do {
      for index in 0..<threadCount {
        let thread = try NamedThread(name: "\(name)-\(index)", stackBytes: stackBytes) {
          while let task = queue.pop() {
            running.value.add(1, ordering: .relaxed)
            task()
            running.value.subtract(1, ordering: .relaxed)
          }
        }
        threads.append(thread)
      }
    } catch {
      queue.close()
      throw error
    }
    self.queue = queue
    self.running = running
    self.threads = threads
  }

  /// The threads end by themselves once the queue is empty.
  deinit { queue.close() }

  /// Queues a task; false when the queue is full or the pool is stopped: the caller answers for it (503).
  package func submit(_ task: @escaping Task) -> Bool { queue.tryPush(task) }

  /// Waits for room in the queue. False when the pool is stopped, or the queue still full at the deadline.
  package func submit(_ task: @escaping Task, until deadline: Deadline) -> Bool {
    queue.push(task, until: deadline)
  }

  /// Refuses new tasks, runs those that are queued, and returns when all have ended. Idempotent; not from a task.
  package func stop() {
    queue.close()
    for thread in threads { thread.join() }
  }

  /// The same, but waits only for so long: false when a task still runs, and then its thread is left to itself.
  package func stop(within milliseconds: Int64) -> Bool {
    queue.close()
    let deadline = Deadline(milliseconds: milliseconds)
    while queuedCount > 0 || runningCount > 0 {
      if deadline.isPassed { return false }
      Deadline(milliseconds: 2).pause()
    }
    // A task that was taken and has not begun to count may still be there.
    Deadline(milliseconds: 2).pause()
    return runningCount == 0
  }

  package var threadCount: Int { threads.count }
  package var queueLimit: Int { queue.limit }
  package var queuedCount: Int { queue.count }
  package var runningCount: Int { running.value.load(ordering: .relaxed) }
}

/// Shared by the pool and its threads, which do not keep the pool alive.
private final class RunningCount: Sendable {
  let value = Atomic<Int>(0)
}
