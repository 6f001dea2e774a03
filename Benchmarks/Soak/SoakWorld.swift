import Synchronization
import TestKit

/// What a soak has written and had acknowledged, so that the end can ask for all of it. Time runs faster than the clock: each
/// step is a scrape of fifteen seconds, the first of them days ago. Any thread.
final class SoakWorld: Sendable {
  static let stepMilliseconds: Int64 = 15_000
  static let seriesCount = 400
  /// Of the series, those that end and are replaced at each step.
  static let churnPerStep = 2
  /// Late samples lie between two scrapes, so that each is one of its own.
  static let lateOffset: Int64 = 7_000

  struct Told {
    /// Acknowledged samples by series.
    var counts: [Int: Int] = [:]
    var steps = 0
    /// Metrics that were deleted as a whole.
    var deleted: [String] = []
    var failures: [String] = []
    var refusals = 0
  }

  let origin: Int64
  private let told = Mutex(Told())
  private let flag = Atomic<Bool>(false)

  init(origin: Int64) { self.origin = origin }

  var isDone: Bool { flag.load(ordering: .acquiring) }
  func finish() { flag.store(true, ordering: .releasing) }
  func change(_ body: (inout Told) -> Void) { told.withLock { body(&$0) } }
  var present: Told { told.withLock { $0 } }
  func fail(_ text: String) { change { if $0.failures.count < 20 { $0.failures.append(text) } } }
  func time(_ step: Int) -> Int64 { origin + Int64(step) * Self.stepMilliseconds }

  /// The series of a step: a window over all that ever are, which moves on by the churn.
  static func series(_ step: Int) -> Range<Int> { (step * churnPerStep)..<(step * churnPerStep + seriesCount) }
}

/// The parts of a soak, each a loop on a thread of its own until the end. Waits are noted by the kind of request.
struct SoakActors: Sendable {
  let world: SoakWorld
  let server: ServerProcess
  let waits = SoakWaits()
  let stepsPerSecond: Int

  /// Scrapes of all series, and after each tenth a backlog of late samples.
  func write() {
    var step = 0
    while !world.isDone {
      var body = RemoteWriteBody()
      let time = world.time(step)
      for series in SoakWorld.series(step) { body.add("soak", ["i": "\(series)"], [(time, Double(step + series))]) }
      body.add("doomed_\(step / 200)", [:], [(time, 1)])
      guard deliver(body, "write") else { continue }
      let written = step
      world.change { told in
        for series in SoakWorld.series(written) { told.counts[series, default: 0] += 1 }
        told.steps = written + 1
      }
      if step % 10 == 9 { writeLate(step) }
      step += 1
      sleepThread(.milliseconds(1000 / stepsPerSecond))
    }
  }

  private func writeLate(_ step: Int) {
    let back = [1, 20, 300, 2_000][step / 10 % 4]
    let old = max(0, step - back)
    let time = world.time(old) + SoakWorld.lateOffset + Int64(step % 5_000)
    var body = RemoteWriteBody()
    let late = Array(SoakWorld.series(old).prefix(40))
    for series in late { body.add("soak", ["i": "\(series)"], [(time, -1)]) }
    guard deliver(body, "late write") else { return }
    world.change { told in for series in late { told.counts[series, default: 0] += 1 } }
  }

  /// Sends until it is acknowledged; false at the end of the soak.
  private func deliver(_ body: RemoteWriteBody, _ kind: String) -> Bool {
    let bytes = body.snappy
    while !world.isDone {
      let answer = timed(kind) {
        try server.request("POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: bytes)
      }
      if let answer, answer.status / 100 == 2 { return true }
      if let answer, answer.status / 100 == 4 {
        world.change { $0.refusals += 1 }
        world.fail("\(kind): \(answer.status) \(answer.text.prefix(200))")
        return false
      }
      sleepThread(.milliseconds(50))
    }
    return false
  }

  func query() {
    var number = 0
    while !world.isDone {
      number += 1
      let end = world.time(max(1, world.present.steps - 1)) / 1000
      let queries = [
        "query?query=count(soak)&time=\(end)", "query?query=sum(rate(soak%5B5m%5D))&time=\(end)",
        "query_range?query=avg(soak)&start=\(end - 21_600)&end=\(end)&step=60",
        "query_range?query=max_over_time(soak%7Bi=%22\(number)%22%7D%5B10m%5D)&start=\(end - 86_400)&end=\(end)&step=300",
        "label/i/values?match%5B%5D=soak", "query?query=topk(5,soak)&time=\(end - 3_600)",
      ]
      let answer = timed("query") { try server.get("/api/v1/" + queries[number % queries.count]) }
      if let answer, answer.status != 200 { world.fail("query: \(answer.status) \(answer.text.prefix(200))") }
      sleepThread(.milliseconds(40))
    }
  }

  /// Reloads, deletions and snapshots by turns.
  func administrate() {
    var number = 0
    while !world.isDone {
      sleepThread(.milliseconds(1_500))
      number += 1
      switch number % 4 {
      case 0: expect(204, "delete", "/api/v1/admin/tsdb/delete_series?match%5B%5D=\(condemn())")
      case 1: expect(200, "reload", "/-/reload")
      case 2: expect(200, "snapshot", "/api/v1/admin/tsdb/snapshot")
      default: expect(204, "clean", "/api/v1/admin/tsdb/clean_tombstones")
      }
    }
  }

  /// The oldest metric that nobody writes to any more.
  private func condemn() -> String {
    var name = "doomed_none"
    world.change { told in
      let next = told.deleted.count
      guard next < told.steps / 200 - 1 else { return }
      name = "doomed_\(next)"
      told.deleted.append(name)
    }
    return name
  }

  private func expect(_ status: Int, _ kind: String, _ target: String) {
    guard let answer = timed(kind, { try server.request("POST", target) }) else { return }
    if answer.status != status { world.fail("\(kind): \(answer.status) \(answer.text.prefix(200))") }
  }

  private func timed(_ kind: String, _ body: () throws -> HTTPAnswer) -> HTTPAnswer? {
    let start = ContinuousClock.now
    do {
      let answer = try body()
      waits.note(kind, (ContinuousClock.now - start).inSeconds * 1000)
      return answer
    } catch {
      world.fail("\(kind): \(error)")
      return nil
    }
  }
}

/// How long requests waited, by their kind, since last looked at and in all. Any thread.
final class SoakWaits: Sendable {
  private struct Kept {
    var all: [String: [Double]] = [:]
    var recentMax: [String: Double] = [:]
  }
  private let kept = Mutex(Kept())

  func note(_ kind: String, _ milliseconds: Double) {
    kept.withLock { kept in
      kept.all[kind, default: []].append(milliseconds)
      kept.recentMax[kind] = max(kept.recentMax[kind] ?? 0, milliseconds)
    }
  }

  func takeRecentMax(_ kind: String) -> Double { kept.withLock { $0.recentMax.removeValue(forKey: kind) ?? 0 } }
  var all: [String: Waits] { kept.withLock { $0.all.mapValues { Waits(milliseconds: $0.sorted()) } } }
}
