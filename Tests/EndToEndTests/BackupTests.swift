import HTTP
import Platform
import Synchronization
import TestKit
import Testing

extension EndToEnd {
  /// The rehearsal of an operator: a snapshot by command, a lost machine, a restore, and a question for every sample.
  @Suite("Backup and restore", .serialized, .timeLimit(.minutes(5)))
  struct Backups {
    static let flags = ["--no-storage.own-metrics", "--web.enable-admin-api"]
    static let everything = "{__name__=~\"drill.*\",__name__!=\"drill_native\"}"

    struct Run {
      var code: ChildProcess.Exit?
      var output: String
      var errors: String
    }

    static func apus(_ arguments: [String]) throws -> Run {
      let child = try ChildProcess(try apusBinary(), ["tsdb"] + arguments)
      let code = child.wait(within: .seconds(120))
      return Run(code: code, output: child.standardOutput.complete(), errors: child.standardError.complete())
    }

    /// Old blocks, floats, counters, constants, one sample, late samples, native histograms, and deletions.
    private static func write(to server: ServerProcess, _ start: Int64) throws {
      func send(_ body: RemoteWriteBody) throws { #expect(try server.write(body).status == 204) }
      for isLate in [false, true] {
        var body = RemoteWriteBody()
        for number in 0..<30 {
          let samples = (0..<60).filter { ($0 % 10 == 5) == isLate }.map { place in
            (start + Int64(place) * 15_000, [5, Double(place * number), Double((place * 7919) % 1000) / 8][number % 3])
          }
          body.add("drill", ["number": "\(number)"], samples)
        }
        try send(body)
      }
      var body = RemoteWriteBody()
      body.add("drill_once", ["number": "0"], [(start, 5)])
      body.add(
        [("__name__", "drill_native")],
        histograms: (0..<10).map { place in
          var histogram = RemoteWriteHistogram(at: start + Int64(place) * 15_000)
          histogram.schema = 0
          histogram.positiveSpans = [(0, 2)]
          histogram.positive = [1, Double(place)]
          histogram.sum = Double(place)
          return histogram
        })
      try send(body)
      for selector in ["drill{number=\"7\"}", "drill_old{number=\"1\"}"] {
        let target = "/api/v1/admin/tsdb/delete_series?match[]=\(percentEncoded(selector))"
        #expect(try server.request("POST", target + "&end=\((start + 300_000) / 1000)").status == 204)
      }
    }

    /// Two days of an older server as blocks.
    private static func importOld(_ site: borrowing Site, _ start: Int64) throws {
      var text = ""
      for number in 0..<3 {
        for place in 0..<48 {
          text += "drill_old{number=\"\(number)\"} \(place * number) \(start / 1000 - 172_800 + Int64(place) * 3600)\n"
        }
      }
      let file = try site.directory.write(text + "# EOF\n", to: "old.txt")
      #expect(try apus(["import", "openmetrics", file, site.data]).code == .code(0))
    }

    /// Every sample as remote text: floats by their points, histograms by what can be asked of each of them.
    private static func samples(_ server: ServerProcess, _ selector: String, at time: Int64) throws -> Set<String> {
      var found: Set<String> = []
      for series in try server.query(selector + "[3d]", at: time).series {
        let name = series.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        for point in series.points { found.insert("\(name) \(point.value) \(point.timestampMilliseconds)") }
      }
      return found
    }

    private static func histograms(_ server: ServerProcess, _ start: Int64) throws -> [String] {
      try (0..<10).flatMap { place in
        try ["histogram_sum", "histogram_count"].map { function in
          let answer = try server.query("\(function)(drill_native)", at: start + Int64(place) * 15_000)
          return "\(function) \(place) \(answer.series.map(\.points))"
        }
      }
    }

    /// Writes one sample a request until told to stop, from before the snapshot until after it.
    private final class Noise: Sendable {
      private let state = Mutex((acknowledged: 0, isOver: false, isAtEnd: false))
      private let start: Int64
      var acknowledged: Int { state.withLock { $0.acknowledged } }

      init(_ server: ServerProcess, _ start: Int64) {
        self.start = start
        startThread { [self] in
          while !state.withLock({ $0.isOver }) {
            var body = RemoteWriteBody()
            body.add("noise", ["job": "e2e"], [(start + Int64(acknowledged) * 10, Double(acknowledged))])
            guard (try? server.write(body).status) == 204 else { break }
            state.withLock { $0.acknowledged += 1 }
          }
          state.withLock { $0.isAtEnd = true }
        }
      }

      func stop() -> Bool {
        state.withLock { $0.isOver = true }
        return eventually(within: .seconds(20)) { self.state.withLock { $0.isAtEnd } }
      }
    }

    @Test("a lost server comes back with every sample of its snapshot, which was taken while writes went on")
    func drill() throws {
      let site = try Site()
      let start = nowMilliseconds() / 60_000 * 60_000 - 20 * 60_000
      try Backups.importOld(site, start)
      let server = try site.start(Backups.flags)
      try Backups.write(to: server, start)
      let asked = start + 3_600_000
      let wanted = try Backups.samples(server, Backups.everything, at: asked)
      let histograms = try Backups.histograms(server, start)
      #expect(wanted.count == 1876)
      let noise = Noise(server, start)
      #expect(eventually(within: .seconds(20)) { noise.acknowledged > 20 })
      let before = noise.acknowledged
      let shelf = site.directory.path("backups")
      let taken = try Backups.apus(["snapshot", "--into", shelf, "--keep=2", server.baseURL])
      #expect(taken.code == .code(0) && taken.errors == "", "\(taken)")
      #expect(taken.output.contains("as the server says") && taken.output.contains("durable and verified there"))
      let after = noise.acknowledged
      #expect(eventually(within: .seconds(20)) { noise.acknowledged > after }, "writes go on")
      server.child.killAndReap()
      #expect(noise.stop())
      #expect(try ChildProcess("/bin/rm", ["-r", site.data]).wait(within: .seconds(20)) == .code(0))

      let snapshot = try #require(names(shelf).first.map { shelf + "/" + $0 })
      let restored = try Backups.apus(["restore", snapshot, site.data])
      #expect(restored.code == .code(0) && restored.errors == "", "\(restored)")
      try expectDump(of: site, wanted)
      let again = try site.start(Backups.flags)
      #expect(try Backups.samples(again, Backups.everything, at: asked) == wanted)
      #expect(try Backups.histograms(again, start) == histograms)
      let kept = try again.query("noise[3d]", at: asked + 3_600_000).series.first?.points ?? []
      #expect(kept.count >= before && kept.map(\.value) == (0..<kept.count).map(Double.init), "\(before) \(kept.count)")
      // It takes writes again, and what the restored directory has is not taken for anybody's.
      #expect(try again.write(EndToEnd.counting("drill_after", from: asked - 3_600_000, count: 5)).status == 204)
      let held = try Backups.apus(["restore", "--merge", snapshot, site.data])
      #expect(held.code == .code(1) && held.errors.contains("is in use by process"), "\(held)")
    }

    /// promtool reads the restored directory before any server has touched it.
    private func expectDump(of site: borrowing Site, _ wanted: Set<String>) throws {
      if !PeerBinary.promtool.isExpected { return }
      let child = try ChildProcess(
        try PeerBinary.promtool.path(), ["tsdb", "dump", "--match={__name__=~\"drill.*\"}", site.data])
      #expect(child.wait(within: .seconds(60)) == .code(0))
      let lines = child.standardOutput.complete().split(separator: "\n").filter { !$0.contains("drill_native") }
      let found = Set(
        lines.map { line in
          let parts = line.split(separator: " ")
          let labels = parts.dropLast(2).joined().filter { $0 != "{" && $0 != "}" && $0 != "\"" }
          return "\(labels) \(Double(parts[parts.count - 2]) ?? .nan) \(parts[parts.count - 1])"
        })
      #expect(found == wanted)
    }

    private func names(_ directory: String) throws -> [String] {
      let child = try ChildProcess("/bin/ls", [directory])
      #expect(child.wait(within: .seconds(20)) == .code(0))
      return child.standardOutput.complete().split(separator: "\n").map(String.init)
    }

    @Test("a snapshot with a flipped bit is refused by the name of its file, and what is whole of it can be had")
    func flippedBit() throws {
      let site = try Site()
      let server = try site.start(Backups.flags)
      #expect(try server.write(EndToEnd.counting("drill", from: EndToEnd.recentTimestamp(), count: 300)).status == 204)
      #expect(try Backups.apus(["snapshot", server.baseURL]).code == .code(0))
      let folder = site.data + "/snapshots/" + (try #require(names(site.data + "/snapshots").first))
      let block = folder + "/" + (try #require(names(folder).first { $0 != "wal" }))
      var bytes = try #require(readFile(block + "/chunks/000001"))
      bytes[bytes.count / 2] ^= 0x10
      try overwriteFile(block + "/chunks/000001", bytes)
      let refused = try Backups.apus(["restore", folder, site.directory.path("new")])
      #expect(refused.code == .code(1) && refused.errors.contains("\(block)/chunks"), "\(refused)")
      #expect(try names(site.directory.path("new")) == [])
      let taken = try Backups.apus(["restore", "--anyway", folder, site.directory.path("new")])
      #expect(taken.code == .code(3) && taken.errors.contains("restored although damaged"), "\(taken)")
    }

    @Test("a command that cannot do its work says why, and leaves everything as it was")
    func refusals() throws {
      let site = try Site()
      let off = try site.start(["--no-storage.own-metrics"])
      let shelf = site.directory.path("backups")
      var run = try Backups.apus(["snapshot", "--into", shelf, off.baseURL])
      #expect(run.code == .code(1) && run.errors.contains("started without --web.enable-admin-api"), "\(run)")
      off.child.killAndReap()
      run = try Backups.apus(["snapshot", off.baseURL])
      #expect(run.code == .code(1) && run.errors.contains("cannot be reached"), "\(run)")
      let server = try site.start(Backups.flags)
      #expect(try server.write(EndToEnd.counting("drill", from: EndToEnd.recentTimestamp(), count: 300)).status == 204)
      // A machine that does not have the server's directory.
      run = try Backups.apus(["snapshot", "--data=\(site.directory.path("elsewhere"))", server.baseURL])
      #expect(run.code == .code(3) && run.errors.contains("is not proven"), "\(run)")
      run = try Backups.apus(["snapshot", "--data=/nowhere", "--into=\(shelf)", server.baseURL])
      #expect(run.code == .code(1) && run.errors.contains("nothing was copied"), "\(run)")
      #expect(try names(shelf) == [])
      // A file where the folder of snapshots should be.
      #expect(try ChildProcess("/bin/rm", ["-r", site.data + "/snapshots"]).wait(within: .seconds(20)) == .code(0))
      try overwriteFile(site.data + "/snapshots", [])
      run = try Backups.apus(["snapshot", server.baseURL])
      #expect(run.code == .code(1) && run.errors.contains("made no snapshot (500: create snapshot:"), "\(run)")
    }

    /// A server that wants to be asked by somebody it knows.
    private func guarded() throws -> HTTPServer {
      var options = HTTPServerOptions()
      options.listenAddress = "127.0.0.1:0"
      options.threadCount = 1
      options.tls = FixedTLSMaterial(
        try TLSServerMaterial(
          certificates: Array(TestCertificate.certificate.utf8), key: Array(TestCertificate.key.utf8),
          TLSServerOptions()))
      var router = Router(prefix: "/prefix")
      router.add(.post, "/api/v1/admin/tsdb/snapshot") { request in
        let known = ["Basic bWU6c2VjcmV0", "Bearer token"]
        guard known.contains(request.header("authorization") ?? ""), request.header("x-key") == "1:2" else {
          return .json(401, Array("who are you".utf8))
        }
        return .json(200, Array("{\"status\":\"success\",\"data\":{\"name\":\"\(Backups.name)\"}}".utf8))
      }
      let log = Log(level: .error, format: .logfmt) { _ in }
      let server = HTTPServer(options: options, log: log, metrics: MetricsRegistry(), router: router)
      try server.start()
      return server
    }

    private static let name = "20260102T030405Z-0123456789abcdef"

    @Test("a server behind TLS, a prefix and credentials is asked as it wants, and no secret is shown")
    func credentials() throws {
      let server = try guarded()
      defer { server.drain(deadlineSeconds: 0) }
      let folder = try TemporaryDirectory("apus-e2e")
      let authority = try folder.write(TestCertificate.certificate, to: "ca.pem")
      let url = "https://me:secret@127.0.0.1:\(server.port)/prefix/"
      let common = ["snapshot", "--no-verify", "--ca", authority, "--header=X-Key: 1:2"]
      for way in [
        ["--user=me", "--password-file", try folder.write("secret\n", to: "password")],
        ["--token-file", try folder.write("token", to: "token")],
      ] {
        let run = try Backups.apus(common + way + [url.replacing("me:secret@", with: "")])
        #expect(run.code == .code(0) && run.output.contains("snapshot \(Backups.name)"), "\(run)")
      }
      let unknown = try Backups.apus(common + ["--token-file", folder.write("other", to: "other"), url])
      #expect(unknown.code == .code(1) && unknown.errors.contains("refuses (401)"), "\(unknown)")
      #expect(!unknown.errors.contains("secret"))
      let untrusted = try Backups.apus(["snapshot", "--no-verify", url])
      #expect(untrusted.code == .code(1) && untrusted.errors.contains("--ca names the authority"), "\(untrusted)")
    }

    @Test(
      "older backups go only after a new one is proven, and a full disk costs neither",
      .enabled(if: SmallDisk.canBeMade))
    func fullDisk() throws {
      let site = try Site()
      let server = try site.start(Backups.flags)
      var body = RemoteWriteBody()
      for number in 0..<300 { body.add("drill", ["number": "\(number)"], [(EndToEnd.recentTimestamp(), 1)]) }
      #expect(try server.write(body).status == 204)
      let disk = try SmallDisk(megabytes: 1)
      let shelf = disk.path + "/backups"
      let command = ["snapshot", "--into", shelf, "--keep=1", server.baseURL]
      #expect(try Backups.apus(command).code == .code(0))
      let first = try names(shelf)
      try disk.fill()
      // Room for a lock, not for a copy.
      let shrink = try ChildProcess("/usr/bin/truncate", ["--size=-12K", disk.path + "/filler"])
      #expect(shrink.wait(within: .seconds(20)) == .code(0))
      var run = try Backups.apus(command)
      #expect(
        run.code == .code(1) && run.errors.contains("are free")
          && run.output.contains("taken away from the server's directory"), "\(run)")
      #expect(try names(shelf) == first && names(site.data + "/snapshots") == [])
      try disk.free()
      run = try Backups.apus(command)
      #expect(run.code == .code(0) && run.output.contains("removed \(shelf)/\(first[0])"), "\(run)")
      #expect(try names(shelf).count == 1 && names(shelf) != first)
    }

    @Test(
      "a snapshot of Prometheus is proven and restored, and Prometheus starts on one of Apus",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
    func prometheus() throws {
      let site = try Site()
      let configuration = try site.directory.write("", to: "prometheus.yml")
      let data = site.directory.path("prometheus")
      let peer = try ServerProcess.prometheus(data: data, configuration: configuration, ["--web.enable-admin-api"])
      let start = EndToEnd.recentTimestamp()
      #expect(try peer.write(EndToEnd.counting("drill", from: start, count: 200)).status == 204)
      let wanted = try Backups.samples(peer, Backups.everything, at: start + 3_600_000)
      let shelf = site.directory.path("backups")
      let taken = try Backups.apus(["snapshot", "--data", data, "--into", shelf, peer.baseURL])
      #expect(taken.code == .code(0) && taken.output.contains("no counts to compare with"), "\(taken)")
      peer.child.killAndReap()
      let snapshot = shelf + "/" + (try #require(names(shelf).first))
      #expect(try Backups.apus(["restore", snapshot, site.data]).code == .code(0))
      let server = try site.start(Backups.flags)
      #expect(try Backups.samples(server, Backups.everything, at: start + 3_600_000) == wanted && wanted.count == 200)
      #expect(try Backups.apus(["snapshot", "--into", shelf, "--keep=1", server.baseURL]).code == .code(0))
      server.child.killAndReap()
      let back = site.directory.path("back")
      #expect(try Backups.apus(["restore", shelf + "/" + (names(shelf)[0]), back]).code == .code(0))
      let again = try ServerProcess.prometheus(data: back, configuration: configuration)
      #expect(try Backups.samples(again, Backups.everything, at: start + 3_600_000) == wanted)
    }
  }
}
