import Platform
import PlatformSimulation
import PromQL
import Query
import Synchronization
import TestKit
import Testing

struct QueryLogTests {
  private final class Bench {
    let disk = SimulatedDisk()
    let log: QueryLog
    let queries: QueryBench

    init() throws {
      let server = try QueryBench()
      let told = Told()
      log = QueryLog(
        on: disk, clock: server.clock, log: Log(level: .error, format: .logfmt) { told.add($0) })
      self.told = told
      queries = server
      service = try QueryService(server.service.options, clock: server.clock, queryLog: log)
    }

    let told: Told
    let service: QueryService

    deinit { service.stop() }

    var querier: Querier { service.querier(over: queries.database) }

    func text(_ path: String = "/query.log") throws -> String {
      String(decoding: try disk.readFile(path), as: UTF8.self)
    }
  }

  private final class Told: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
  }

  private static let terms: QueryTerms = {
    var terms = QueryTerms()
    terms.origin = .request(client: "10.0.0.1", method: "GET", path: "/api/v1/query")
    terms.queuedSeconds = 0.5
    return terms
  }()

  @Test("a query has a line with Prometheus's members in their order; those that nobody signs have none")
  func lines() throws {
    let bench = try Bench()
    #expect(!bench.log.isOn)
    try bench.log.reopen("/query.log")
    #expect(bench.log.isOn)
    _ = try bench.querier.instant("sum(m_total) < 1e9", at: QueryBench.now, Self.terms)
    _ = try bench.querier.instant("m_total", at: QueryBench.now)
    let text = try bench.text()
    let start =
      #"{"time":"2023-11-14T22:13:20.000Z","level":"INFO","msg":"promql query logged","params":"#
      + #"{"end":"2023-11-14T22:13:20.000Z","query":"sum(m_total) < 1e9","start":"2023-11-14T22:13:20.000Z","step":0},"#
      + #""stats":{"timings":{"evalTotalTime":"#
    #expect(text.hasPrefix(start), "\(text)")
    #expect(text.contains(#""execQueueTime":0.5,"#) && text.contains(#""totalQueryableSamples":4,"#))
    #expect(
      text.hasSuffix(
        #"}},"httpRequest":{"clientIP":"10.0.0.1","method":"GET","path":"/api/v1/query"}}"# + "\n"), "\(text)")
    #expect(text.split(separator: "\n").count == 1)
    _ = try JSONValue(parsing: Array(text.utf8.dropLast()))
  }

  @Test("a rule's query names its group, a failed one its error; a text that is no query has no line")
  func failures() throws {
    let bench = try Bench()
    try bench.log.reopen("/query.log")
    var terms = QueryTerms()
    terms.origin = .ruleGroup(file: "/r\".yml", name: "g")
    _ = try bench.querier.range("m_total", start: 1_000, end: 61_500, step: 15_500, terms)
    var canceled = terms
    canceled.isCanceled = { true }
    #expect(throws: QueryError.canceled) { try bench.querier.instant("m_total", at: QueryBench.now, canceled) }
    #expect(throws: QueryError.self) { try bench.querier.instant("m_total{", at: QueryBench.now, terms) }
    let lines = try bench.text().split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(lines.count == 2)
    #expect(lines[0]["params"]["step"].number == 15 && lines[0]["params"]["end"].string == "1970-01-01T00:01:01.500Z")
    #expect(lines[0]["ruleGroup"]["file"].string == "/r\".yml" && lines[0]["ruleGroup"]["name"].string == "g")
    #expect(lines[0]["error"].isNull && lines[0]["httpRequest"].isNull)
    #expect(lines[1]["error"].string == "query was canceled in expression evaluation")
  }

  @Test("a file that was moved away is made anew when the log is opened again, one that was cut is gone on with")
  func rotation() throws {
    let bench = try Bench()
    func ask(_ text: String) throws { _ = try bench.querier.instant(text, at: QueryBench.now, Self.terms) }
    try bench.log.reopen("/query.log")
    try ask("m_total")
    try bench.disk.rename("/query.log", to: "/old")
    try ask("m_total > 1")
    #expect(try bench.text("/old").split(separator: "\n").count == 2)
    try bench.log.reopen("/query.log")
    try ask("m_total > 2")
    #expect(try bench.text().contains("m_total > 2") && bench.text("/old").split(separator: "\n").count == 2)
    let file = try bench.disk.open("/query.log", .readWrite)
    try file.truncate(to: 0)
    try file.close()
    try ask("m_total > 3")
    #expect(try bench.text().hasPrefix("{\"time\"") && bench.text().contains("m_total > 3"))
    try bench.log.reopen("")
    try ask("m_total > 4")
    #expect(try !bench.text().contains("m_total > 4") && !bench.log.isOn)
  }

  @Test("a line that cannot be written is told once, and a file that cannot be opened leaves the log as it was")
  func faults() throws {
    let bench = try Bench()
    try bench.log.reopen("/query.log")
    #expect(throws: DiskError.self) { try bench.log.reopen("/none/query.log") }
    bench.disk.inject(SimulatedFault(code: 28, times: 2) { operation, _ in operation == .write })
    for _ in 0..<3 { _ = try bench.querier.instant("m_total", at: QueryBench.now, Self.terms) }
    #expect(bench.told.all.count == 1 && bench.told.all[0].contains("The query log cannot be written"))
    #expect(try bench.text().split(separator: "\n").count == 1)
  }
}
