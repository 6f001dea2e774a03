import Glibc
import HTTP
import TestKit

/// The exporters of the comparison with Prometheus. From `steadyFrom` on every answer stays the same, so that two servers
/// that have scraped a different number of times hold the same in the end.
enum ScrapePeerExporters {
  /// The number of the scrape from which on nothing changes.
  static let steadyFrom = 6

  /// All of them by path. `start` is the milliseconds that explicit timestamps are counted from.
  static func all(start: Int64) -> [String: ExporterFarm.Exporter] {
    var all: [String: ExporterFarm.Exporter] = [:]
    for (place, exposition) in Exposition.cases.enumerated() {
      all["/case/\(place)"] = { _ in .exposing(exposition.body, exposition.contentType) }
    }
    all.merge(series(start)) { $1 }
    all.merge(formats) { $1 }
    all.merge(fieldExporters(start)) { $1 }
    all.merge(failures) { $1 }
    all.merge(requests) { $1 }
    return all
  }

  /// The number of a scrape, standing still from `steadyFrom` on.
  private static func step(_ visit: ExporterFarm.Visit) -> Int { min(visit.number, steadyFrom) }

  private static func series(_ start: Int64) -> [String: ExporterFarm.Exporter] {
    [
      "/plain": { .exposing("# HELP plain_total Things.\n# TYPE plain_total counter\nplain_total \(step($0))\n") },
      "/labels": { visit in
        .exposing(
          """
          conflicts{job="theirs",instance="i",exported_job="older",place="p",extra="e"} \(step(visit))
          conflicts{job="",extra="empty"} 1
          conflicts{exported_place="x",place="y"} 2

          """)
      },
      "/times": { visit in
        let step = Int64(step(visit))
        return .exposing(
          """
          going{} 1 \(start + step * 1000)
          standing 2 \(start)
          changing \(step) \(start + 7)
          back \(step) \(start + 20_000 - step * 1000)
          far_ahead 4 \(start + 10_000_000)
          long_ago 5 1000
          without_time \(step)
          \(step < 3 ? "ends_with_time 6 \(start + 30_000 + step * 1000)" : "")

          """)
      },
      "/vanishing": { visit in
        let step = step(visit)
        var text = "stays \(step)\n"
        if step < 2 { text += "gone{n=\"1\"} \(step)\ngone{n=\"2\"} \(step)\n" }
        if step != 3 { text += "blinks \(step)\n" }
        if step >= 4 { text += "comes \(step)\n" }
        return .exposing(text)
      },
      "/growing": { visit in
        .exposing((0..<(step(visit) == 3 ? 12 : 4)).map { "grows{n=\"\($0)\"} \($0)\n" }.joined())
      },
      "/many": { _ in
        .exposing((0..<300).map { "many{number=\"\($0)\",filler=\"abcdefghijklmnop\"} \($0)\n" }.joined())
      },
    ]
  }

  private static let failures: [String: ExporterFarm.Exporter] = [
    "/status-500": { _ in .text(500, "no") },
    "/status-404": { _ in .text(404, "no") },
    "/status-204": { _ in .noContent },
    "/flapping": { visit in
      step(visit) % 3 == 2 ? .text(503, "not now") : .exposing("flaps \(step(visit))\n")
    },
    "/breaking": { visit in
      .exposing(step(visit) % 2 == 1 ? "good 1\nbad line here\nafter 2\n" : "good 0\nbefore \(step(visit))\n")
    },
    "/late": { visit in
      for _ in 0..<100 where !visit.request.isCancelled { sleepThread(.milliseconds(20)) }
      return .exposing("late 1\n")
    },
    "/redirect": { _ in .redirect(to: "/many") },
    "/round": { _ in .redirect(to: "/round") },
    "/endless": { _ in
      let piece = Array(String(repeating: "endless 1\n", count: 3000).utf8)
      var response = Response(
        body: .pieces(heldBytes: 0) { (writer) throws(StreamError) in
          try writer.write(piece)
          return .more
        })
      response.mayCompress = false
      return response.with(header: "Content-Type", Response.textFormat)
    },
    // The answer begins, and then nothing follows.
    "/stalling": { visit in
      let request = visit.request
      return Response(
        body: .pieces(heldBytes: 0) { (writer) throws(StreamError) in
          try writer.write(Array(String(repeating: "begun 1\n", count: 20_000).utf8))
          try writer.flush()
          for _ in 0..<100 where !request.isCancelled { sleepThread(.milliseconds(20)) }
          return .last
        }
      ).with(header: "Content-Type", Response.textFormat)
    },
    "/cut-gzip": { _ in
      Response.exposing([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]).with(header: "Content-Encoding", "gzip")
    },
  ]

  private static let requests: [String: ExporterFarm.Exporter] = [
    "/echo": { visit in
      let query = String(decoding: visit.request.rawQuery, as: UTF8.self)
      var text = "asked{query=\"\(query)\"} 1\n"
      for name in ["Accept", "Accept-Encoding", "X-Prometheus-Scrape-Timeout-Seconds", "X-Own", "Authorization"] {
        // A Prometheus adds its http_headers to those of the scrape before: each value counts once.
        var value: [String] = []
        for header in visit.request.headers
        where header.name.lowercased() == name.lowercased() && !value.contains(header.value) {
          value.append(header.value)
        }
        text += "header{name=\"\(name)\",value=\"\(value.joined(separator: "|"))\"} 1\n"
      }
      return .exposing(text)
    },
    "/sd": { visit in
      let address = visit.request.header("Host") ?? ""
      let groups =
        "[{\"targets\":[\"\(address)\"],\"labels\":{\"case\":\"asked\",\"__metrics_path__\":\"/for/asked/plain\"}}]"
      return .json(200, Array(groups.utf8))
    },
    "/basic": { visit in
      visit.request.header("Authorization") == "Basic dXNlcjpwYXNz" ? .exposing("let_in 1\n") : .text(401, "who?")
    },
    "/bearer": { visit in
      visit.request.header("Authorization") == "Bearer token-of-file" ? .exposing("let_in 1\n") : .text(401, "who?")
    },
  ]
}
