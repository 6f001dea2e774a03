import TestKit
import Testing

extension EndToEnd {
  /// A file of the data directory is damaged while no server runs: the next start serves what is readable anywhere, and
  /// says what happened in a log line and a metric.
  @Suite("Damaged files at the start", .serialized)
  struct DamagedFiles {
    private static let quiet = ["--storage.own-metrics=false"]

    /// Samples a minute apart over the last `hours`, one series each for `names`.
    private func body(_ names: [String], hours: ClosedRange<Int64>, until now: Int64) -> RemoteWriteBody {
      var body = RemoteWriteBody()
      let times = stride(
        from: now - hours.upperBound * 3_600_000, through: now - hours.lowerBound * 3_600_000, by: 60_000)
      for name in names { body.add(name, ["job": "e2e"], times.enumerated().map { ($1, Double($0)) }) }
      return body
    }

    private func count(_ name: String, _ server: ServerProcess, at now: Int64) throws -> Double {
      try server.query("sum(count_over_time(\(name)[12h]))", at: now).series.first?.points.first?.value ?? 0
    }

    private func damaged(_ file: String, _ server: ServerProcess) throws -> Double {
      let prefix = "apus_damaged_files_total{file=\"\(file)\"} "
      let line = try server.get("/metrics").text.split(separator: "\n").first { $0.hasPrefix(prefix) }
      return line.flatMap { Double($0.dropFirst(prefix.count)) } ?? 0
    }

    private func expectQuiet(_ server: ServerProcess) {
      let bad = server.child.standardError.text.split(separator: "\n").filter {
        ($0.contains("level=ERROR") || $0.contains("level=WARN")) && !$0.contains("environment variable")
      }
      #expect(bad.isEmpty, "\(bad)")
    }

    @Test("a changed digit in apus.flushed costs no sample")
    func flushMark() throws {
      let site = try Site()
      let now = EndToEnd.recentTimestamp(minutesAgo: 0)
      var server = try site.start(Self.quiet)
      #expect(try server.write(body(["e2e_a"], hours: 0...6, until: now)).status == 204)
      let path = site.data + "/apus.flushed"
      #expect(eventually(within: .seconds(20)) { readFile(path) != nil })
      #expect(server.child.terminate() == .code(0))
      var bytes = try #require(readFile(path))
      // The mark is the run of thirteen digits: its first one makes it lie centuries ahead.
      let digits = bytes.indices.first { bytes[$0...].prefix(13).allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
      bytes[try #require(digits)] = UInt8(ascii: "9")
      try overwriteFile(path, bytes)
      server = try site.start(Self.quiet)
      #expect(try count("e2e_a", server, at: now) == 361)
      #expect(try damaged("apus.flushed", server) == 1)
      #expect(server.child.standardError.text.contains("apus.flushed"))
      #expect(server.child.terminate() == .code(0))
      server = try site.start(Self.quiet)
      #expect(try count("e2e_a", server, at: now) == 361)
      #expect(server.child.terminate() == .code(0))
    }

    @Test("an empty apus.version does not keep the server from starting")
    func version() throws {
      let site = try Site()
      let now = EndToEnd.recentTimestamp(minutesAgo: 0)
      var server = try site.start(Self.quiet)
      #expect(try server.write(body(["e2e_a"], hours: 0...1, until: now)).status == 204)
      #expect(server.child.terminate() == .code(0))
      try overwriteFile(site.data + "/apus.version", [])
      server = try site.start(Self.quiet)
      #expect(try count("e2e_a", server, at: now) == 61)
      #expect(try damaged("apus.version", server) == 1)
      #expect(server.child.standardError.text.contains("apus.version"))
      #expect(server.child.terminate() == .code(0))
      server = try site.start(Self.quiet)
      #expect(try damaged("apus.version", server) == 0)
      expectQuiet(server)
      #expect(server.child.terminate() == .code(0))
    }

    @Test("a flipped byte in the newest head-chunk file costs no sample, and the original is kept")
    func headChunk() throws {
      let site = try Site()
      let start = EndToEnd.recentTimestamp(minutesAgo: 10)
      var server = try site.start(Self.quiet)
      for series in 0..<4 {
        var body = RemoteWriteBody()
        body.add("e2e_\(series)", ["job": "e2e"], (0..<401).map { (start + Int64($0) * 1000, Double($0 % 7)) })
        #expect(try server.write(body).status == 204)
      }
      #expect(server.child.terminate() == .code(0))
      let path = site.data + "/chunks_head/000001"
      var bytes = try #require(readFile(path))
      bytes[60] ^= 0x10
      try overwriteFile(path, bytes)
      for round in 0..<3 {
        server = try site.start(Self.quiet)
        for series in 0..<4 {
          #expect(try count("e2e_\(series)", server, at: start + 500_000) == 401, "round \(round)")
        }
        if round == 0 {
          #expect(try damaged("chunks_head", server) == 1)
          #expect(server.child.standardError.text.contains(path))
          let isKept = readFile(site.data + "/quarantine/chunks_head-000001") == bytes
          #expect(isKept)
        }
        if round == 1 { server.child.killAndReap() } else { #expect(server.child.terminate() == .code(0)) }
      }
    }

    @Test("a missing head-chunk file is told, and the log gives its samples")
    func missingHeadChunks() throws {
      let site = try Site()
      let start = EndToEnd.recentTimestamp(minutesAgo: 10)
      var server = try site.start(Self.quiet)
      #expect(try server.write(EndToEnd.counting("e2e_a", from: start, count: 401)).status == 204)
      #expect(server.child.terminate() == .code(0))
      try removeFile(site.data + "/chunks_head/000001")
      server = try site.start(Self.quiet)
      #expect(try count("e2e_a", server, at: start + 500_000) == 401)
      #expect(try damaged("chunks_head", server) == 1)
      #expect(server.child.standardError.text.contains("chunks_head/000001"))
      #expect(server.child.terminate() == .code(0))
      server = try site.start(Self.quiet)
      #expect(try count("e2e_a", server, at: start + 500_000) == 401)
      #expect(try damaged("chunks_head", server) == 0)
      expectQuiet(server)
      #expect(server.child.terminate() == .code(0))
    }

    @Test("head-chunk files that a flush has removed do not come back")
    func removedHeadChunks() throws {
      let site = try Site()
      let now = EndToEnd.recentTimestamp(minutesAgo: 0)
      var server = try site.start(Self.quiet)
      #expect(try server.write(body(["e2e_a", "e2e_b"], hours: 5...9, until: now)).status == 204)
      #expect(server.child.terminate() == .code(0))
      let first = site.data + "/chunks_head/000001"
      #expect(readFile(first) != nil)
      server = try site.start(Self.quiet)
      // Chunks that complete later get a file of their own, and a flush takes the first one away.
      #expect(try server.write(body(["e2e_a", "e2e_b"], hours: 2...4, until: now)).status == 204)
      #expect(server.child.terminate() == .code(0))
      server = try site.start(Self.quiet)
      #expect(try server.write(body(["e2e_a", "e2e_b"], hours: 0...1, until: now)).status == 204)
      #expect(eventually(within: .seconds(20)) { readFile(first) == nil })
      #expect(server.child.terminate() == .code(0))
      for name in namesInFolder(site.data + "/chunks_head") {
        #expect(readFile(site.data + "/chunks_head/" + name)?.isEmpty == false, "\(name) came back empty")
      }
      server = try site.start(Self.quiet)
      expectQuiet(server)
      for name in ["e2e_a", "e2e_b"] { #expect(try count(name, server, at: now) == 241 + 121 + 61) }
      #expect(namesInFolder(site.data + "/quarantine").isEmpty)
      #expect(server.child.terminate() == .code(0))
    }
  }
}
