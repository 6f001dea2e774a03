import Format
import HTTP
import Model
import Platform
import Synchronization
import TSDB
import TestKit
import Testing

@testable import API

/// An administration that only notes what it is asked for.
private final class NotedAdministration: BlockAdmin {
  struct Notes {
    var deletions: [(matchers: [Matcher], range: ClosedRange<Int64>)] = []
    var cleanups = 0
    var snapshots: [Bool] = []
    var warnings: [String] = []
    var fault: BlockError?
  }

  let notes = Mutex(Notes())

  func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockError) {
    let fault = notes.withLock { notes in
      notes.deletions.append((matchers.map(\.matcher), range))
      return notes.fault
    }
    if let fault { throw fault }
  }

  func cleanTombstones() throws(BlockError) {
    let fault = notes.withLock { notes in
      notes.cleanups += 1
      return notes.fault
    }
    if let fault { throw fault }
  }

  func snapshot(skipsHead: Bool) throws(BlockError) -> TakenSnapshot {
    let fault = notes.withLock { notes in
      notes.snapshots.append(skipsHead)
      return notes.fault
    }
    if let fault { throw fault }
    let meta = BlockMeta(ulid: ULID(high: 1, low: 2), minTime: 3, maxTime: 4)
    return TakenSnapshot(
      name: "20200102T030405Z-0123456789abcdef", path: "/d/s", blocks: [HeldBlock(meta, bytes: 9)],
      warnings: notes.withLock { $0.warnings })
  }

  var damagedBlocks: [ULID] { [] }
  var missingBlocks: [MissingBlock] { [] }
  var blockMetas: [BlockMeta] { [BlockMeta(ulid: ULID(high: 1, low: 2), minTime: 3, maxTime: 4)] }
}

@Suite struct AdminEndpointTests {
  private final class Bench {
    let administration = NotedAdministration()
    private let server: HTTPServer

    init(isEnabled: Bool = true, isReady: Bool = true) throws {
      let present: (any BlockAdmin)? = isReady ? administration : nil
      let admin = AdminEndpoints(
        actions: AdminActions(isEnabled: isEnabled) { workspace in workspace == nil ? present : nil })
      var router = Router()
      admin.add(to: &router, run: .inline)
      var options = HTTPServerOptions()
      options.listenAddress = "127.0.0.1:0"
      options.threadCount = 1
      server = HTTPServer(
        options: options, log: Log(level: .error, format: .logfmt) { _ in }, metrics: MetricsRegistry(), router: router)
      try server.start()
    }

    deinit { server.drain(deadlineSeconds: 0) }

    func send(_ method: String, _ target: String) throws -> (status: Int, text: String) {
      var connection = try HTTPConnection(port: UInt16(server.port))
      let answer = try connection.exchange(method, target)
      return (answer.status, String(decoding: answer.body, as: UTF8.self))
    }

    func post(_ action: String) throws -> (status: Int, text: String) {
      try send("POST", "/api/v1/admin/tsdb/" + action)
    }
  }

  @Test("series are deleted selector by selector in the given times, and the answer is empty")
  func deletion() throws {
    let bench = try Bench()
    let answer = try bench.post(
      "delete_series?match[]=up&match[]=%7Ba%3D~%22b.%2B%22%7D&start=1.5&end=1970-01-01T00:00:09Z")
    #expect(answer.status == 204 && answer.text.isEmpty)
    #expect(try bench.send("PUT", "/api/v1/admin/tsdb/delete_series?match[]=up").status == 204)
    let notes = bench.administration.notes.withLock { $0.deletions }
    #expect(notes.map(\.range) == [1500...9000, 1500...9000, .min ... .max])
    #expect(
      notes.map(\.matchers) == [
        [Matcher(.equal, "__name__", "up")], [Matcher(.regex, "a", "b.+")], [Matcher(.equal, "__name__", "up")],
      ])
  }

  @Test("a request that is wrong deletes nothing and says why")
  func mistakes() throws {
    let bench = try Bench()
    let cases = [
      ("delete_series", "no match[] parameter provided"), ("delete_series?match[]=up&match[]=%7B", "match[]"),
      ("delete_series?match[]=%7Ba%3D~%22(%22%7D", "match[]"), ("delete_series?match[]=up&start=x", "start"),
      ("delete_series?match[]=up&start=2&end=1", "end timestamp must not be before start time"),
      ("snapshot?skip_head=maybe", "skip_head"),
    ]
    for (action, problem) in cases {
      let answer = try bench.post(action)
      #expect(answer.status == 400 && answer.text.contains("bad_data") && answer.text.contains(problem), "\(action)")
    }
    #expect(bench.administration.notes.withLock { $0.deletions.isEmpty && $0.snapshots.isEmpty })
    #expect(try bench.send("GET", "/api/v1/admin/tsdb/clean_tombstones").status == 405)
  }

  @Test("tombstones are cleaned, snapshots are named, blocks are told")
  func others() throws {
    let bench = try Bench()
    #expect(try bench.post("clean_tombstones").status == 204)
    let snapshot = try bench.post("snapshot")
    #expect(snapshot.status == 200)
    let name =
      "\"data\":{\"name\":\"20200102T030405Z-0123456789abcdef\",\"path\":\"/d/s\",\"blocks\":[{\"ulid\":"
      + "\"\(ULID(high: 1, low: 2))\",\"minTime\":3,\"maxTime\":4,\"numSamples\":0,\"numSeries\":0,\"numChunks\":0,"
      + "\"numBytes\":9}]}"
    #expect(snapshot.text.hasPrefix("{\"status\":\"success\",\(name),\"infos\":["), "\(snapshot.text)")
    bench.administration.notes.withLock { $0.warnings = ["it is \"empty\""] }
    #expect(try bench.post("snapshot").text.contains("\(name),\"warnings\":[\"it is \\\"empty\\\"\"],\"infos\":["))
    #expect(try bench.post("snapshot?skip_head=true").status == 200)
    #expect(bench.administration.notes.withLock { $0.snapshots == [false, false, true] && $0.cleanups == 1 })
    let blocks = try bench.send("GET", "/api/v1/status/tsdb/blocks")
    #expect(blocks.status == 200 && blocks.text.hasPrefix("{\"status\":\"success\",\"data\":{\"blocks\":[{"))
    let meta = try #require(bench.administration.blockMetas.first)
    #expect(blocks.text.contains("\"ulid\": \"\(meta.ulid)\""))
  }

  @Test("what fails is an internal error with its reason")
  func failures() throws {
    let bench = try Bench()
    bench.administration.notes.withLock { $0.fault = .disk(DiskError(operation: "link", path: "/x", code: 28)) }
    for action in ["delete_series?match[]=up", "clean_tombstones", "snapshot"] {
      let answer = try bench.post(action)
      #expect(
        answer.status == 500 && answer.text.contains("\"internal\"") && answer.text.contains("link /x"), "\(action)")
    }
  }

  @Test("switched off, nothing is done, and the blocks are told all the same")
  func disabled() throws {
    let bench = try Bench(isEnabled: false)
    for action in ["delete_series?match[]=up", "clean_tombstones", "snapshot"] {
      let answer = try bench.post(action)
      #expect(answer.status == 500)
      #expect(answer.text == "{\"status\":\"error\",\"errorType\":\"unavailable\",\"error\":\"admin APIs disabled\"}")
    }
    #expect(bench.administration.notes.withLock { $0.deletions.isEmpty && $0.cleanups == 0 && $0.snapshots.isEmpty })
    #expect(try bench.send("GET", "/api/v1/status/tsdb/blocks").status == 200)
  }

  @Test("before the database is there, the answer is 503")
  func notReady() throws {
    let bench = try Bench(isReady: false)
    #expect(try bench.post("clean_tombstones").status == 503)
    #expect(try bench.send("GET", "/api/v1/status/tsdb/blocks").status == 503)
  }
}
