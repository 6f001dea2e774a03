import CShims
import Glibc
import Synchronization

/// Gives memory back to the system that the allocator keeps after large queries: on a thread of its own, and only when work
/// has ended that may have left some. One per process; any thread.
///
/// It goes by what the process holds: where that has grown by more than `growthBytesMin` since the last look after which
/// there was nothing to give back, the free pages are given back. What is in use stays, and is the new level.
package final class HeapTrim: Sendable {
  private static let growthBytesMin = 32 << 20
  private static let intervalMilliseconds: Int64 = 1_000
  /// The share of its time that the thread may spend in the allocator, whose locks it holds meanwhile.
  private static let restPerWork: Int64 = 50

  private struct Work: Sendable {
    var isDue = false
    var isStopping = false
  }

  private let work = Monitor(Work())
  private let thread = Mutex<NamedThread?>(nil)
  private let trims: Counter
  private let trimmedBytes: Counter

  package init(registry: MetricsRegistry) throws(ThreadError) {
    trims = registry.counter(
      "apus_memory_trims_total", "How often free memory was given back to the system after large queries.")
    trimmedBytes = registry.counter(
      "apus_memory_trimmed_bytes_total", "Memory given back to the system after large queries, in bytes.")
    let made = try NamedThread(name: "heap-trim") { [work, trims, trimmedBytes] in
      HeapTrim.run(work, trims, trimmedBytes)
    }
    thread.withLock { $0 = made }
  }

  /// Work has ended that may have held much memory.
  package func note() {
    let isNews = work.withLock { work in
      defer { work.isDue = true }
      return !work.isDue
    }
    if isNews { work.wakeAll() }
  }

  package func stop() {
    work.withLock { $0.isStopping = true }
    work.wakeAll()
    thread.withLock { $0 }?.join()
  }

  private static func run(_ work: Monitor<Work>, _ trims: Counter, _ trimmedBytes: Counter) {
    var level = ProcessStatus.residentBytes() ?? 0
    while true {
      let goesOn = work.wait { work -> Bool? in
        if work.isStopping { return false }
        return work.isDue ? true : nil
      }
      guard goesOn == true else { return }
      // Several queries one after the other are one occasion, and the last one's answer may still be on its way.
      var rest = intervalMilliseconds
      if isStopped(work, within: rest) { return }
      work.withLock { $0.isDue = false }
      guard let before = ProcessStatus.residentBytes() else { continue }
      if before < level { level = before }
      if before - level < growthBytesMin { continue }
      let start = SystemClock().monotonicNanoseconds()
      apus_allocator_trim()
      rest = (SystemClock().monotonicNanoseconds() - start) / 1_000_000 * restPerWork
      level = ProcessStatus.residentBytes() ?? before
      trims.add()
      trimmedBytes.add(max(0, before - level))
      if isStopped(work, within: rest) { return }
    }
  }

  private static func isStopped(_ work: Monitor<Work>, within milliseconds: Int64) -> Bool {
    work.wait(until: Deadline(milliseconds: milliseconds)) { $0.isStopping ? true : nil } ?? false
  }
}
