import Ingest
import Model
import Platform
import Synchronization
import TSDB
import TestKit
import Workspaces

/// One life of the server with threads, and what its threads do. Any thread.
final class ThreadedParts: Sendable {
  let database: Database
  private let run: ThreadedServer
  private let receiver: Receiver
  private let surface: SimulatedSurface
  private let threads = Mutex<[NamedThread]>([])

  init(_ run: ThreadedServer, _ options: DatabaseOptions, log: Log) throws {
    self.run = run
    let registry = MetricsRegistry()
    var settings = WorkspaceSettings(directory: options.directory)
    settings.database = options
    settings.ingest = IngestLimits()
    let workspaces = try WorkspaceSet(
      settings, in: Workspace.Surroundings(disk: run.disk, clock: run.clock, log: log, registry: registry), work: nil)
    (database, receiver) = (workspaces.standard.database, workspaces.standard.receiver)
    try database.restore()
    surface = try SimulatedSurface(workspaces, clock: run.clock, registry: registry, processors: 2)
  }

  /// Starts everything; the names of the threads that must go on.
  func start() throws -> [String] {
    let board = run.board
    database.everySecond { board.enter("maintenance", "its round") }
    try database.start()
    var names = ["maintenance"]
    for writer in 0..<ThreadedServer.writers {
      names.append("writer \(writer)")
      try add("writer \(writer)") { self.write(writer) }
    }
    for (name, act) in [
      ("reader 0", read), ("reader 1", read), ("deletions", delete), ("snapshots", snapshot), ("cleaning", clean),
    ] as [(String, @Sendable (Int) throws -> Void)] {
      names.append(name)
      try add(name) {
        var count = 0
        while !self.run.isOver.load(ordering: .relaxed) {
          board.enter(name, "operation \(count)")
          do {
            try act(count)
          } catch {
            self.complain("\(name): \(error)")
          }
          count += 1
          // Others want the processors and the turns, too.
          Deadline(milliseconds: 1).pause()
        }
      }
    }
    return names
  }

  private func add(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
    let thread = try NamedThread(name: name) {
      body()
      self.run.board.enter(name, "ended")
    }
    threads.withLock { $0.append(thread) }
  }

  func join() { for thread in threads.withLock({ $0 }) { thread.join() } }

  private func complain(_ text: String) { run.complaint.withLock { $0 = $0 ?? text } }

  // MARK: what the threads do

  private static func labels(_ writer: Int, _ number: Int) -> Labels {
    Labels([("__name__", "t"), ("i", "\(number)"), ("writer", "\(writer)")])
  }

  /// A value that says when it was written.
  private static func value(_ time: Int64) -> UInt64 { Double(time / 1000).bitPattern }

  private func write(_ writer: Int) {
    var step = 0
    while true {
      let last = step
      let next = run.steps.wait { state -> Int? in
        if self.run.isOver.load(ordering: .relaxed) { return 0 }
        return state.present > last ? state.present : nil
      }
      guard let next, next > 0 else { return }
      step = next
      run.board.enter("writer \(writer)", "step \(step)")
      let time = ThreadedServer.time(ofStep: step)
      let series = (0..<ThreadedServer.seriesPerWriter).map { number in
        (labels: ThreadedParts.labels(writer, number), samples: [(time: time, bits: ThreadedParts.value(time))])
      }
      let outcome = SimulatedSender.body(series).message.lend { receiver.receive($0, encoding: .identity) }
      if outcome != .stored { complain("a body was not stored: \(outcome)") }
      run.steps.withLock { $0.done[writer] = next }
      run.steps.wakeAll()
    }
  }

  private func read(_ count: Int) throws {
    let writer = count % ThreadedServer.writers
    let step = run.steps.withLock { $0.done[writer] }
    if step == 0 { return }
    switch count % 4 {
    case 0, 1:
      let first = max(step - 960, 1)
      check(writer, 1 + count % (ThreadedServer.seriesPerWriter - 1), first...step)
    case 2:
      let end = "\(ThreadedServer.time(ofStep: step) / 1000)"
      let answer = surface.get("/api/v1/query", [("query", "sum by (writer) (count_over_time(t[2h]))"), ("time", end)])
      if answer.status != 200 { complain("a query is answered \(String(decoding: answer.bytes, as: UTF8.self))") }
    default:
      let answer = surface.get("/api/v1/series", [("match[]", "t")])
      if answer.status != 200 { complain("/api/v1/series says \(String(decoding: answer.bytes, as: UTF8.self))") }
    }
  }

  /// Every sample of a series between two steps, once each.
  private func check(_ writer: Int, _ number: Int, _ steps: ClosedRange<Int>) {
    let labels = ThreadedParts.labels(writer, number)
    do {
      let matchers = try labels.pairs.map { try CompiledMatcher(Matcher(.equal, $0.name, $0.value)) }
      let (first, last) = (
        ThreadedServer.time(ofStep: steps.lowerBound), ThreadedServer.time(ofStep: steps.upperBound)
      )
      let selection = try database.select(matchers, from: first, through: last)
      var scratch = DatabaseReadScratch()
      var samples = SeriesSamples()
      if selection.count > 0 { selection.read(0, from: first, through: last, &scratch, into: &samples) }
      var expected = first
      for index in 0..<samples.count {
        guard samples.times[index] == expected, samples.values[index] == ThreadedParts.value(expected) else { break }
        expected += World.stepMilliseconds
      }
      if expected != last + World.stepMilliseconds {
        complain("\(labels) lacks its sample at \(expected), of \(first) to \(last)")
      }
    } catch {
      complain("\(labels) cannot be selected: \(error)")
    }
  }

  /// The series with the number 0 are deleted now and then, and never looked at.
  private func delete(_ count: Int) throws {
    let through = ThreadedServer.time(ofStep: run.steps.withLock { $0.present }) - 3_600_000
    try database.administration.delete([try CompiledMatcher(Matcher(.equal, "i", "0"))], in: .min...through)
  }

  private func snapshot(_ count: Int) throws {
    let name = try database.administration.snapshot(skipsHead: count % 3 == 0).name
    try run.disk.removeTree(SimulatedServer.root + "/snapshots/" + name)
  }

  private func clean(_ count: Int) throws { try database.administration.cleanTombstones() }

  func check(steps: Int) {
    for writer in 0..<ThreadedServer.writers {
      for number in 1..<ThreadedServer.seriesPerWriter { check(writer, number, 1...steps) }
    }
  }
}
