import Glibc
import Synchronization
import TestKit
import Testing

extension EndToEnd {
  /// The same requests, answered by a real Prometheus and by Apus over the same samples.
  @Suite(
    "Beside a real Prometheus",
    .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
  struct Beside {
    /// Two servers with the same series. Every series name and label is one that has made somebody's answer differ.
    final class Pair {
      let site: Site
      let apus: ServerProcess
      let prometheus: ServerProcess
      /// Whole seconds of the first sample and of the last.
      let start: Int64
      let end: Int64

      /// `prefix` stands before every path of Apus.
      init(
        apus arguments: [String] = [], prometheus more: [String] = [], prefix: String = "",
        body: (Int64) -> RemoteWriteBody = Beside.body
      ) throws {
        site = try Site()
        let configuration = site.directory.path("prometheus.yml")
        _ = try site.directory.write("{}\n", to: "prometheus.yml")
        let flags = ["--config.file=\(configuration)", "--no-storage.own-metrics"]
        apus = try .apus(data: site.data, flags + arguments, readyPath: prefix + "/-/ready")
        prometheus = try .prometheus(data: site.directory.path("peer"), configuration: configuration, more)
        start = nowMilliseconds() / 60_000 * 60 - 600
        end = start + 585
        let body = body(start)
        #expect(try apus.write(body, to: prefix + "/api/v1/write").status == 204)
        #expect(try prometheus.write(body).status == 204)
      }
    }

    static func body(_ start: Int64) -> RemoteWriteBody {
      var body = RemoteWriteBody()
      func samples(_ count: Int = 40, _ value: (Int) -> Double) -> RemoteWriteBody.Samples {
        (0..<count).map { ((start + Int64($0) * 15) * 1000, value($0)) }
      }
      for job in ["a", "b"] {
        for host in 0..<3 {
          body.add("up", ["job": job, "instance": "h\(host):9100"], samples { Double($0 + host) })
        }
      }
      body.add("old_metric", ["job": "a"], samples(4) { Double($0) })
      body.add("weird", ["html": "a<b>&c\"\\\n\u{2028}"], samples { 1e-7 * Double($0) })
      body.add("my.dotted.metric", ["service.name": "x y", "\u{fc}n\u{ef}": "\u{df}"], samples { 1e21 * Double($0) })
      let stale = Double(bitPattern: 0x7ff0_0000_0000_0002)
      body.add("stale_metric", ["job": "s"], samples(31) { $0 < 30 ? Double($0) : stale })
      body.add("infs", ["le": "+Inf"], samples { _ in .infinity })
      return body
    }

    @Test("more than two hundred good and bad requests are answered alike")
    func table() throws {
      let pair = try Pair()
      let table = try RequestTable(
        try text(ofFile: "Requests/http-api.txt"), start: pair.start, end: pair.end)
      #expect(table.lines.count >= 200)
      var different: [String] = []
      for line in table.lines {
        let peer = try table.exchange(line, with: pair.prometheus)
        let own = try table.exchange(line, with: pair.apus)
        if let difference = RequestTable.difference(line, peer, own) { different.append("\(line)\n  \(difference)") }
      }
      #expect(different.isEmpty, "\(different.count) of \(table.lines.count):\n\(different.joined(separator: "\n"))")
    }

    @Test("the same requests under /workspaces/default and under a route prefix have the same answers")
    func otherPlaces() throws {
      let pair = try Pair(apus: ["--web.external-url=http://example.org/prom/"], prefix: "/prom")
      let table = try RequestTable(
        try text(ofFile: "Requests/http-api.txt"), start: pair.start, end: pair.end)
      let sample = table.lines.enumerated().filter {
        $0.offset % 4 == 0 && $0.element.mark == nil && $0.element.target.hasPrefix("/api")
      }.map(\.element)
      #expect(sample.count > 40)
      for line in sample {
        let peer = try table.exchange(line, with: pair.prometheus)
        for place in ["/prom", "/prom/workspaces/default"] {
          var moved = line
          moved.target = place + line.target
          let own = try table.exchange(moved, with: pair.apus)
          let difference = RequestTable.difference(line, peer, own)
          #expect(difference == nil, "\(moved)")
        }
      }
      #expect(try pair.apus.get("/").header("Location") == "/prom")
      #expect(try pair.apus.get("/prom/").header("Location") == "/prom/query")
      #expect(try pair.apus.get("/prom/-/healthy").status == 200)
      #expect(try pair.apus.get("/-/healthy").status == 404)
    }

    @Test("browsers get the same headers, with every origin and with a few")
    func origins() throws {
      for flag in [nil, "--web.cors.origin=https?://(a|b)\\.example"] as [String?] {
        let flags = flag.map { [$0] } ?? []
        let pair = try Pair(apus: flags, prometheus: flags)
        for origin in ["http://a.example", "https://b.example", "http://c.example", ""] {
          for (method, target) in [
            ("GET", "/api/v1/labels"), ("GET", "/api/v1/query?query=up{"), ("OPTIONS", "/api/v1/query"),
            ("GET", "/api/v1/status/walreplay"),
          ] {
            let headers = origin.isEmpty ? [] : [("Origin", origin)]
            let peer = try pair.prometheus.request(method, target, headers: headers)
            let own = try pair.apus.request(method, target, headers: headers)
            #expect(peer.status == own.status)
            for name in [
              "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers",
              "Access-Control-Expose-Headers", "Vary",
            ] { #expect(peer.header(name) == own.header(name), "\(name) of \(method) \(target) from \(origin)") }
          }
        }
      }
    }

    /// A file beside the tests.
    func text(ofFile name: String, from file: String = #filePath) throws -> String {
      let folder = file.split(separator: "/").dropLast(2).joined(separator: "/")
      return try fileText("/\(folder)/\(name)")
    }
  }
}

struct NoSuchFile: Error { var path: String }

/// The whole text of a file.
func fileText(_ path: String) throws -> String {
  guard let file = fopen(path, "r") else { throw NoSuchFile(path: path) }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 64 << 10)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    if count == 0 { break }
    bytes += chunk[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}
