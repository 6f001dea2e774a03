import TestKit
import Testing

extension EndToEnd {
  /// A block with a flipped byte, as its users meet it.
  @Suite(
    "Damage in a block", .serialized, .timeLimit(.minutes(5)),
    .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
  struct BlockDamage {
    private static let stepMilliseconds: Int64 = 15_000
    private static let samples = 120
    private static let seriesCount = 20
    /// Some hours ago, in the middle of a two-hour range, so that all is one chunk of each series.
    private let start = (nowMilliseconds() / 7_200_000 - 3) * 7_200_000 + 600_000

    /// A data directory with one block, made from a snapshot, and the block's id.
    private func makeBlock(_ site: borrowing Site) throws -> (data: String, ulid: String) {
      let apus = try site.start(["--no-storage.own-metrics", "--web.enable-admin-api"])
      var body = RemoteWriteBody()
      for number in 0..<BlockDamage.seriesCount {
        body.add(
          "m", ["instance": "h\(100 + number)"],
          (0..<BlockDamage.samples).map {
            (start + Int64($0) * BlockDamage.stepMilliseconds, Double(($0 * 7919 + number * 13) % 97))
          })
      }
      #expect(try apus.write(body).status == 204)
      let answer = try apus.request("POST", "/api/v1/admin/tsdb/snapshot")
      let name = try #require(try JSONValue(parsing: answer.text)["data"]["name"].string, "\(answer.text)")
      apus.child.killAndReap()
      let data = site.data + "/snapshots/" + name
      return (data, try #require(namesInFolder(data).first { $0.count == 26 }))
    }

    private func flip(_ path: String, at offset: Int) throws {
      var bytes = try #require(readFile(path))
      bytes[offset < 0 ? bytes.count + offset : offset] ^= 0x40
      try write(bytes, path)
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
      let text = bytes.map {
        "\\0" + String($0 >> 6, radix: 8) + String($0 >> 3 & 7, radix: 8) + String($0 & 7, radix: 8)
      }
      let child = try ChildProcess("/bin/bash", ["-c", "printf '%b' \"$0\" > '\(path)'", text.joined()])
      #expect(child.wait(within: .seconds(20)) == .code(0))
    }

    private func start(_ data: String, _ arguments: [String] = []) throws -> ServerProcess {
      try ServerProcess.apus(data: data, ["--no-storage.own-metrics"] + arguments)
    }

    private var end: Int64 { start + Int64(BlockDamage.samples) * BlockDamage.stepMilliseconds }

    private func queryTarget(_ expression: String) -> String {
      "/api/v1/query?query=\(expression)&time=\(end / 1000)"
    }

    @Test(
      "a query over a damaged chunk is answered from the rest and names the block; asked not to, it fails as Prometheus does"
    )
    func queries() throws {
      let site = try Site()
      let (data, ulid) = try makeBlock(site)
      // In the data of the first series' chunk.
      try flip("\(data)/\(ulid)/chunks/000001", at: 40)
      let copy = site.directory.path("copy")
      #expect(try ChildProcess("/bin/cp", ["-r", data, copy]).wait(within: .seconds(60)) == .code(0))

      var apus = try start(data, ["--query.lookback-delta=1d"])
      for _ in 0..<3 {
        let answer = try apus.get(queryTarget("sum(count_over_time(m[1d]))"))
        let json = try JSONValue(parsing: answer.text)
        #expect(answer.status == 200)
        let left = (BlockDamage.seriesCount - 1) * BlockDamage.samples
        #expect(json["data"]["result"][0]["value"][1].string == "\(left)")
        let warnings = json["warnings"].array?.compactMap(\.string) ?? []
        #expect(warnings.count == 1, "\(answer.text)")
        let warning = warnings.first ?? ""
        #expect(warning.hasPrefix("block \(ulid): 1 chunk of 1 series cannot be read (checksum mismatch"), "\(warning)")
      }
      let range = "/api/v1/query_range?query=m&start=\(start / 1000)&end=\(end / 1000)&step=60"
      #expect(try JSONValue(parsing: try apus.get(range).text)["warnings"].array?.count == 1)
      // What does not touch the damage does not speak of it.
      let other = try apus.get(queryTarget("count_over_time(m%7Binstance=%22h119%22%7D[1d])"))
      #expect(try JSONValue(parsing: other.text)["warnings"].isNull)
      let federated = try apus.get("/federate?match%5B%5D=m").text.split(separator: "\n")
      #expect(
        federated.first?.hasPrefix("# warning: block \(ulid): 1 chunk of 1 series") == true, "\(federated.prefix(2))")
      #expect(federated.count { $0.hasPrefix("m{") } == BlockDamage.seriesCount - 1)
      let metrics = try apus.get("/metrics").text.split(separator: "\n")
      #expect(metrics.contains("apus_blocks_damaged 1"))
      #expect(metrics.contains("apus_block_chunks_unreadable_total 5"))
      let blocks = try apus.get("/api/v1/status/tsdb/blocks").text
      #expect(blocks.contains("\"damaged\":[\"\(ulid)\"]"))
      apus.child.killAndReap()
      #expect(apus.child.standardError.complete().split(separator: "\n").count { $0.contains("is damaged") } == 1)

      apus = try start(data, ["--query.partial-answers=false"])
      let configuration = try site.directory.write("", to: "prometheus.yml")
      let prometheus = try ServerProcess.prometheus(data: copy, configuration: configuration)
      for target in [queryTarget("sum(count_over_time(m[1d]))"), queryTarget("m"), range] {
        let (ours, theirs) = (try apus.get(target), try prometheus.get(target))
        // Where its merge of chunks says it, Prometheus has forgotten which block it is.
        let text = theirs.text.replacing(String(repeating: "0", count: 26), with: ulid)
        #expect(ours.status == theirs.status && ours.text == text, "\(ours.text) \(theirs.text)")
      }
      #expect(try apus.get(queryTarget("m%7Binstance=%22h119%22%7D")).status == 200)
    }

    private func remove(_ names: [String], in folder: String) throws {
      let child = try ChildProcess("/bin/rm", ["-f"] + names.map { "\(folder)/\($0)" })
      #expect(child.wait(within: .seconds(20)) == .code(0))
    }

    @Test("what was deleted stays deleted where its list is lost; where the copy is lost too, answers say so")
    func deletions() throws {
      let site = try Site()
      let (data, ulid) = try makeBlock(site)
      let flags = ["--web.enable-admin-api", "--query.lookback-delta=1d"]
      func samples(_ apus: ServerProcess) throws -> (count: String?, warnings: [String]) {
        let json = try JSONValue(parsing: try apus.get(queryTarget("sum(count_over_time(m[1d]))")).text)
        let warnings = json["warnings"].array?.compactMap(\.string) ?? []
        return (json["data"]["result"][0]["value"][1].string, warnings)
      }
      var apus = try start(data, flags)
      let target = "/api/v1/admin/tsdb/delete_series?match%5B%5D=m%7Binstance=%22h100%22%7D"
      #expect(try apus.request("POST", target).status == 204)
      let left = "\((BlockDamage.seriesCount - 1) * BlockDamage.samples)"
      #expect(try samples(apus).count == left)
      apus.child.killAndReap()

      try remove(["tombstones"], in: "\(data)/\(ulid)")
      apus = try start(data, flags)
      var found = try samples(apus)
      #expect(found.count == left && found.warnings.isEmpty)
      #expect(try apus.get("/metrics").text.contains("apus_damaged_files_total{file=\"tombstones\"} 1"))
      #expect(apus.child.standardError.text.contains("nothing is lost"))
      apus.child.killAndReap()

      try remove(["tombstones", "apus.tombstones"], in: "\(data)/\(ulid)")
      apus = try start(data, flags)
      found = try samples(apus)
      #expect(found.count == "\(BlockDamage.seriesCount * BlockDamage.samples)")
      #expect(found.warnings.count == 1 && found.warnings[0].contains("its list of deletions was lost"), "\(found)")
      #expect(apus.child.standardError.text.contains("delete them again"))
      // As the log says.
      #expect(try apus.request("POST", target).status == 204)
      #expect(try samples(apus).count == left)
    }

    @Test("a remote read that meets damage fails, at once or by a stream that is broken off")
    func remoteReads() throws {
      let site = try Site()
      let (data, ulid) = try makeBlock(site)
      try flip("\(data)/\(ulid)/chunks/000001", at: 40)
      let apus = try start(data)
      for types in [[], [1]] as [[UInt64]] {
        let whole = RemoteReadBody.request(start: start, end: end, matchers: [(0, "instance", "h119")], types: types)
        let answer = try apus.request("POST", "/api/v1/read", headers: RemoteReadBody.headers, body: whole)
        #expect(answer.status == 200)
        let damaged = RemoteReadBody.request(start: start, end: end, matchers: [(0, "__name__", "m")], types: types)
        do {
          let answer = try apus.request("POST", "/api/v1/read", headers: RemoteReadBody.headers, body: damaged)
          #expect(answer.status == 500 && answer.text.contains("from block \(ulid)"), "\(types) \(answer.status)")
        } catch {
          // The connection ended within the answer.
          #expect(!types.isEmpty, "\(error)")
        }
      }
    }

    @Test("a damaged index is a warning of whatever lists and queries, and none where it is not read")
    func index() throws {
      let site = try Site()
      let (data, ulid) = try makeBlock(site)
      let path = "\(data)/\(ulid)/index"
      // A label value of the symbols tells where the series begin: right behind the symbols' checksum. The first begins at the
      // next multiple of 16 behind it.
      let bytes = try #require(readFile(path))
      let symbolBytes = bytes[5..<9].reduce(0) { $0 << 8 | Int($1) }
      try flip(path, at: (5 + 4 + symbolBytes + 4 + 15) / 16 * 16 + 3)
      var apus = try start(data)
      let times = "start=\(start / 1000)&end=\(end / 1000)"
      for target in [
        queryTarget("count(m)"), "/api/v1/series?match%5B%5D=m&\(times)", "/api/v1/labels?match%5B%5D=m&\(times)",
        "/api/v1/label/instance/values?match%5B%5D=m&\(times)",
      ] {
        let answer = try apus.get(target)
        let warnings = try JSONValue(parsing: answer.text)["warnings"].array?.compactMap(\.string) ?? []
        #expect(answer.status == 200 && warnings.count == 1, "\(target): \(answer.text)")
        #expect(warnings.first?.hasPrefix("block \(ulid): 1 series cannot be read") == true, "\(warnings)")
      }
      #expect(!(try apus.get("/api/v1/labels?\(times)").text.contains("warnings")))
      #expect(!(try apus.get("/api/v1/labels?match%5B%5D=m&start=1&end=2").text.contains("warnings")))
      apus.child.killAndReap()
      apus = try start(data, ["--query.partial-answers=false"])
      for target in [
        queryTarget("count(m)"), "/api/v1/series?match%5B%5D=m&\(times)", "/api/v1/labels?match%5B%5D=m&\(times)",
      ] { #expect(try apus.get(target).status == 422, "\(target)") }
    }

    @Test("a block that cannot be opened is set aside, and what is asked of its time says so")
    func missing() throws {
      let site = try Site()
      let (data, ulid) = try makeBlock(site)
      // The magic number of the index.
      try flip("\(data)/\(ulid)/index", at: 0)
      let apus = try start(data)
      #expect(namesInFolder(data + "/quarantine") == [ulid])
      let answer = try apus.get(queryTarget("m"))
      let warnings = try JSONValue(parsing: answer.text)["warnings"].array?.compactMap(\.string) ?? []
      #expect(warnings.count == 1 && warnings[0].hasPrefix("block \(ulid): it is not served"), "\(answer.text)")
      #expect(!(try apus.get("/api/v1/query?query=m&time=1").text.contains("warnings")))
      #expect(try apus.get("/metrics").text.contains("\napus_blocks_missing 1\n"))
      #expect(try apus.get("/api/v1/status/tsdb/blocks").text.contains("\"missing\":[{\"ulid\":\"\(ulid)\""))
    }
  }
}
