import Platform
import Synchronization

/// The work of a running query as its asker accounts for it, and the way to end it. Any thread.
package protocol QueryWork: Sendable {
  /// Samples read so far.
  var samplesRead: Int { get }
  /// Bytes of the answer written so far, before compression.
  var bytesWritten: Int { get }
  var isCanceled: Bool { get }
  /// Makes the query stop at its next look at `QueryTerms.isCanceled`.
  func cancel()
}

/// The list of queries that run now, and of those whose answers their clients are still taking, in all workspaces: for those
/// who want to see or end one. A query that leaves it is offered to the log of slow queries. Any thread.
///
/// Memory: whoever lists a query bounds their number; the server has one for each connection at most.
package final class ActiveQueries: Sendable {
  /// A place on the list: given up at `end`, or when nobody holds it any more.
  package final class Entry: Sendable {
    fileprivate let id: Int
    private let list: ActiveQueries
    private let isListed = Atomic<Bool>(true)

    fileprivate init(id: Int, list: ActiveQueries) {
      self.id = id
      self.list = list
    }

    deinit { end() }

    package func end() {
      if isListed.exchange(false, ordering: .relaxed) { list.remove(id) }
    }
  }

  private struct Listed: Sendable {
    var start: QueryStart
    var work: any QueryWork
  }

  private struct State: Sendable {
    var running: [Int: Listed] = [:]
    var nextID = 1
  }

  private let state = Mutex(State())
  private let clock: any Clock
  private let slowLog: SlowQueryLog?

  package init(clock: any Clock, slowLog: SlowQueryLog?) {
    self.clock = clock
    self.slowLog = slowLog
  }

  package func add(_ start: QueryStart, _ work: any QueryWork) -> Entry {
    let id = state.withLock { state in
      let id = state.nextID
      state.nextID += 1
      state.running[id] = Listed(start: start, work: work)
      return id
    }
    return Entry(id: id, list: self)
  }

  private func remove(_ id: Int) {
    let ended = state.withLock { $0.running.removeValue(forKey: id) }
    guard let ended, let slowLog else { return }
    slowLog.note(ended.start, ended.work, now: clock.monotonicNanoseconds())
  }

  /// The queries of a workspace in the order in which they began, with the seconds since then.
  package func running(in workspace: String) -> [(id: Int, start: QueryStart, seconds: Double)] {
    let running = state.withLock { $0.running }.sorted { $0.key < $1.key }
    let now = clock.monotonicNanoseconds()
    return running.filter { $0.value.start.workspace == workspace }
      .map { ($0.key, $0.value.start, $0.value.start.seconds(until: now)) }
  }

  /// Ends a query of the workspace; false where it has none of this number.
  package func cancel(_ id: Int, in workspace: String) -> Bool {
    guard let found = state.withLock({ $0.running[id] }), found.start.workspace == workspace else { return false }
    found.work.cancel()
    return true
  }
}
