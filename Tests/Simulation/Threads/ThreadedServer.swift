import Ingest
import Model
import Platform
import PlatformSimulation
import Synchronization
import TSDB
import TestKit

/// A server with all its threads over a disk in memory: writers, readers, deletions, snapshots, flushes and compaction at once,
/// on a clock that runs thousands of times too fast. What a world on one thread cannot show: locks taken in different
/// orders, data that is seen half-way. Nothing is the same twice, but what is promised is.
package final class ThreadedServer: Sendable {
  package struct Finding: Error, CustomStringConvertible { package var description: String }

  /// Without any progress for so long a thread stands still for good.
  static let standstillSeconds: Int64 = 30
  /// After so many steps every thread has to have done something.
  private static let stepsPerProgress = 8
  static let writers = 2
  static let seriesPerWriter = 20

  let clock = SimulatedClock(nowMilliseconds: World.epoch)
  let disk: SimulatedDisk
  let board = ProgressBoard()
  let steps = Monitor(Steps())
  let complaint = Mutex<String?>(nil)
  let isOver = Atomic<Bool>(false)
  private let seed: UInt64
  private let log = SimulatedLog(printsAll: false)

  struct Steps: Sendable {
    var present = 0
    var done = Array(repeating: 0, count: ThreadedServer.writers)
  }

  package init(seed: UInt64) {
    self.seed = seed
    disk = SimulatedDisk(clock: clock)
  }

  package var operations: Int { board.operationsInAll }
  package var lastLines: [String] { log.last }

  var options: DatabaseOptions {
    var options = DatabaseOptions(directory: SimulatedServer.root)
    options.walSync = .interval
    options.random = RandomNumbers(seed: seed)
    options.truncationIntervalMilliseconds = 60_000
    options.logBytesPerSnapshotMin = 64 << 10
    return options
  }

  static func time(ofStep step: Int) -> Int64 { World.epoch + Int64(step) * World.stepMilliseconds }

  /// Lets so many times fifteen seconds pass; throws where a thread stands still or a promise is broken.
  package func run(steps count: Int) throws {
    let server = try ThreadedParts(self, options, log: log.log)
    let names = try server.start()
    var seen = board.operations(of: names)
    for step in 1...count {
      clock.advance(milliseconds: World.stepMilliseconds)
      steps.withLock { $0.present = step }
      steps.wakeAll()
      try waitForWriters(step)
      if step % ThreadedServer.stepsPerProgress == 0 {
        try check(standing(names, since: seen))
        seen = board.operations(of: names)
      }
      if let complaint = complaint.withLock({ $0 }) { throw Finding(description: complaint) }
    }
    isOver.store(true, ordering: .relaxed)
    steps.wakeAll()
    try end(server, steps: count)
  }

  /// The threads that begin nothing new. The clock goes on meanwhile: a round of the upkeep may have ended after its last step,
  /// and the next begins a second later.
  private func standing(_ names: [String], since seen: [Int]) -> [String] {
    var standing = names
    for _ in 0..<(ThreadedServer.standstillSeconds * 5) {
      standing = board.waitForProgress(of: names, since: seen, milliseconds: 200)
      if standing.isEmpty { break }
      clock.advance(milliseconds: 1000)
    }
    return standing
  }

  private func waitForWriters(_ step: Int) throws {
    let deadline = Deadline(milliseconds: ThreadedServer.standstillSeconds * 1000, of: SystemClock())
    let isDone: Void? = steps.wait(until: deadline) { $0.done.allSatisfy { $0 >= step } ? () : nil }
    if isDone == nil { try check(["a writer"]) }
  }

  private func check(_ standing: [String]) throws {
    if standing.isEmpty { return }
    throw Finding(
      description:
        "no progress for \(ThreadedServer.standstillSeconds) s, locks taken in different orders? standing still: "
        + "\(standing.joined(separator: ", ")); what each was at: \(board.text)")
  }

  /// Everybody goes home, the server closes, and what was acknowledged is there, also after a start.
  private func end(_ server: ThreadedParts, steps: Int) throws {
    let before = board.operations(of: ["the end"])
    let ending = try NamedThread(name: "end") { [board] in
      server.join()
      server.check(steps: steps)
      server.database.close()
      board.enter("the end", "closed")
    }
    try check(
      board.waitForProgress(of: ["the end"], since: before, milliseconds: 2000 * ThreadedServer.standstillSeconds))
    ending.join()
    if let complaint = complaint.withLock({ $0 }) { throw Finding(description: complaint) }
    let again = try ThreadedParts(self, options, log: log.log)
    again.check(steps: steps)
    if let complaint = complaint.withLock({ $0 }) { throw Finding(description: "after a start: \(complaint)") }
  }
}
