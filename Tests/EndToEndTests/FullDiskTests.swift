import TestKit
import Testing

extension EndToEnd {
  /// A disk that fills up and is freed again, under the real binary: a file system in memory of a few megabytes.
  @Suite(
    "A full disk", .serialized,
    .enabled(if: SmallDisk.canBeMade, "a small file system can only be mounted by root"))
  struct FullDisk {
    private static let seriesCount = 40
    private static let stepMilliseconds: Int64 = 15_000
    private static let samplesPerBody = 20
    /// Four hours up to now, so that a border of a flush lies within.
    private let start = (nowMilliseconds() / 60_000 - 245) * 60_000
    private static let bodies = 48

    private func body(_ number: Int) -> RemoteWriteBody {
      var body = RemoteWriteBody()
      for series in 0..<FullDisk.seriesCount {
        body.add(
          "full_disk", ["series": "\(series)"],
          (0..<FullDisk.samplesPerBody).map { index in
            let sample = number * FullDisk.samplesPerBody + index
            return (start + Int64(sample) * FullDisk.stepMilliseconds, Double(sample * (series + 3) % 1009) / 8)
          })
      }
      return body
    }

    private func expectAll(_ server: ServerProcess, _ moment: String) throws {
      let count = FullDisk.bodies * FullDisk.samplesPerBody
      let end = start + Int64(count) * FullDisk.stepMilliseconds
      let answer = try server.query("full_disk[5h]", at: end)
      #expect(answer.series.count == FullDisk.seriesCount, "\(moment)")
      var missing = 0
      for series in answer.series {
        let number = series.labels["series"].flatMap { Int($0) } ?? 0
        var found: [Int64: Double] = [:]
        for point in series.points { found[point.timestampMilliseconds] = point.value }
        for sample in 0..<count
        where found[start + Int64(sample) * FullDisk.stepMilliseconds] != Double(sample * (number + 3) % 1009) / 8 {
          missing += 1
        }
      }
      #expect(missing == 0, "\(moment): \(missing) samples were acknowledged and are missing or wrong")
    }

    private func metric(_ name: String, _ server: ServerProcess) throws -> Double {
      let line = try server.get("/metrics").text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
      return line.flatMap { Double($0.dropFirst(name.count + 1)) } ?? -1
    }

    @Test(
      "what was acknowledged before, while and after the disk was full is there: before and after a flush, a restart and a kill"
    )
    func fillsUp() throws {
      let disk = try SmallDisk(megabytes: 24)
      func open() throws -> ServerProcess {
        try .apus(data: disk.path + "/data", ["--storage.tsdb.min-free-space=0", "--storage.own-metrics=false"])
      }
      var server = try open()
      var next = 0
      while next < 24 {
        #expect(try server.write(body(next)).status == 204)
        next += 1
      }
      // Nothing was put into a chunk file yet, or what comes now begins a new one.
      try disk.fill()
      var refused = 0
      let isMet = try eventually(within: .seconds(40), every: .milliseconds(200)) {
        let answer = try server.write(body(next))
        if answer.status == 204 { next += 1 } else { refused += 1 }
        #expect(answer.status == 204 || answer.status == 503, "\(answer.status) \(answer.text)")
        return try metric("apus_head_chunk_writes_failed_total", server) > 0
      }
      #expect(isMet && refused > 0)
      try disk.free()
      while next < FullDisk.bodies {
        let answer = try server.write(body(next))
        try #require(answer.status == 204, "body \(next): \(answer.status) \(answer.text)")
        next += 1
      }
      try expectAll(server, "before the flush")
      let isFlushed = try eventually(within: .seconds(60), every: .milliseconds(200)) {
        try metric("apus_head_flush_duration_seconds_count", server) > 0
      }
      #expect(isFlushed)
      try expectAll(server, "behind the border of the flush")
      #expect(server.child.terminate() == .code(0))
      server = try open()
      try expectAll(server, "after a restart")
      server.child.killAndReap()
      server = try open()
      try expectAll(server, "after a kill")
      #expect(try metric("apus_head_chunks_lost_total", server) == 0)
      server.child.killAndReap()
    }
  }
}
