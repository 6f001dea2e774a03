import Platform
import PlatformSimulation
import Query
import Synchronization
import Testing

struct ActiveQueriesTests {
  private final class Work: QueryWork {
    private let canceled = Atomic<Bool>(false)
    var samplesRead: Int { 7 }
    var bytesWritten: Int { 9 }
    var isCanceled: Bool { canceled.load(ordering: .relaxed) }
    func cancel() { canceled.store(true, ordering: .relaxed) }
  }

  private func start(_ text: String, in workspace: String, _ clock: SimulatedClock) -> QueryStart {
    QueryStart(
      workspace: workspace, path: "/rules", query: text, times: [], client: "",
      startMilliseconds: clock.nowMilliseconds(), startNanoseconds: clock.monotonicNanoseconds(), queueNanoseconds: 0)
  }

  @Test("a query is listed in its workspace from its begin to its end, and only there can it be ended")
  func list() {
    let clock = SimulatedClock(nowMilliseconds: QueryBench.now)
    let queries = ActiveQueries(clock: clock, slowLog: nil)
    let work = Work()
    let entry = queries.add(start("up", in: "a", clock), work)
    clock.advance(milliseconds: 1500)
    let listed = queries.running(in: "a")
    #expect(listed.map(\.start.query) == ["up"] && listed.map(\.seconds) == [1.5])
    #expect(queries.running(in: "b").isEmpty)
    #expect(!queries.cancel(listed[0].id, in: "b") && !work.isCanceled)
    #expect(queries.cancel(listed[0].id, in: "a") && work.isCanceled)
    entry.end()
    #expect(queries.running(in: "a").isEmpty && !queries.cancel(listed[0].id, in: "a"))
  }

  @Test("a query whose entry nobody holds any more has left the list")
  func lost() {
    let clock = SimulatedClock(nowMilliseconds: QueryBench.now)
    let queries = ActiveQueries(clock: clock, slowLog: nil)
    do {
      let entry = queries.add(start("up", in: "a", clock), Work())
      #expect(queries.running(in: "a").count == 1)
      withExtendedLifetime(entry) {}
    }
    #expect(queries.running(in: "a").isEmpty)
  }

  @Test("a slow query has its line when it ends, a quick one has none; of a long text only the beginning is kept")
  func slowLog() throws {
    let clock = SimulatedClock(nowMilliseconds: QueryBench.now)
    let disk = SimulatedDisk()
    let log = try SlowQueryLog(
      "/slow", thresholdMilliseconds: 1000, disk: disk, log: Log(level: .error, format: .logfmt) { _ in })
    let queries = ActiveQueries(clock: clock, slowLog: log)
    queries.add(start("quick", in: "a", clock), Work()).end()
    let text = "slow" + String(repeating: "x", count: 100_000)
    let entry = queries.add(start(text, in: "a", clock), Work())
    clock.advance(milliseconds: 2000)
    entry.end()
    let line = String(decoding: try disk.readFile("/slow"), as: UTF8.self)
    #expect(line.hasPrefix("{\"workspace\":\"a\",\"path\":\"/rules\",\"query\":\"slowx"))
    #expect(line.hasSuffix(",\"seconds\":2.0,\"samples\":7,\"bytes\":9,\"canceled\":false}\n"))
    #expect(line.utf8.count < 17_000 && !line.contains("quick"))
    // The next run of the server goes on with the file.
    let later = ActiveQueries(
      clock: clock,
      slowLog: try SlowQueryLog(
        "/slow", thresholdMilliseconds: 0, disk: disk, log: Log(level: .error, format: .logfmt) { _ in }))
    later.add(start("later", in: "a", clock), Work()).end()
    let lines = String(decoding: try disk.readFile("/slow"), as: UTF8.self)
    #expect(lines.hasPrefix(line) && lines.dropFirst(line.count).contains("later"))
  }
}
