import TestKit
import Testing

extension EndToEnd.Beside {
  /// Eleven thousand values of each function: what `time()` runs through is put where functions have their branches.
  private static let arguments = [
    "(time() - 500) / 7919", "(time() - 500) / 11", "(time() - 500) * 1.7e5", "time() * 1e9 + 0.37",
    "(time() - 500) / 501",
    "1 + 1 / (time() + 1)", "(time() - 500) * 3e-310",
  ]

  @Test("elementary functions and operators have Prometheus's last bit")
  func lastBits() throws {
    let pair = try Pair()
    let functions = [
      "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp", "ln",
      "log2",
      "log10", "sqrt", "deg", "rad",
    ]
    let operators = [
      "X ^ 2.37", "X ^ -7", "X ^ 150.5", "1.0001 ^ X", "(-1.5) ^ X", "X % 0.37", "1e300 % X", "X atan2 2.7",
      "2.7 atan2 X",
      "X atan2 (-X)",
    ]
    for argument in Self.arguments {
      let asked =
        functions.map { "\($0)(vector(\(argument)))" }
        + operators.map {
          $0.split(separator: "X", omittingEmptySubsequences: false).joined(separator: "(\(argument))")
        }
      for query in asked {
        let target = "/api/v1/query_range?query=\(percentEncoded(query))&start=0&end=1000&step=0.5"
        let (own, peer) = (try pair.apus.get(target), try pair.prometheus.get(target))
        #expect(own.status == 200 && own.text == peer.text, "\(query)")
      }
    }
  }

  @Test("texts that only look wrong are taken as Prometheus takes them, and those that are wrong are not")
  func texts() throws {
    let pair = try Pair()
    for query in [
      "1_2.3_4", "1_2", "1.3_4", "1e1_0", "1_000.5e1_0", "0_1.5", "1_2.", ".1_2", "0x1_2", "1__2", "1_.2", "1._2",
      "_1.2",
      "{job=~\"(?<n>a)\"}", "label_replace(up, \"x\", \"${n}!\", \"job\", \"(?<n>a)\")",
      "absent(m{job=\"a\",job!~\"a\"})",
      "absent(m{job=\"a\",job=\"b\"})",
    ] {
      let target = "/api/v1/query?query=\(percentEncoded(query))&time=\(pair.end)"
      #expect(try pair.apus.get(target).text == pair.prometheus.get(target).text, "\(query)")
    }
  }

  @Test("a range of floats and histograms warns, whatever is asked of it")
  func mixedRange() throws {
    let pair = try Pair { start in
      var body = RemoteWriteBody()
      body.add([("__name__", "mixed")], (0..<10).map { ((start + Int64($0) * 15) * 1000, Double($0)) })
      return body
    }
    var second = RemoteWriteBody()
    second.add(
      [("__name__", "mixed")],
      histograms: (10..<20).map {
        var histogram = RemoteWriteHistogram(at: (pair.start + Int64($0) * 15) * 1000)
        histogram.positiveSpans = [(0, 2)]
        histogram.positive = [Double($0), 3]
        histogram.sum = Double($0)
        return histogram
      })
    #expect(try pair.apus.write(second).status == 204)
    for query in [
      "sum_over_time(mixed[2m])", "histogram_count(sum_over_time(mixed[2m]))",
      "histogram_sum(avg_over_time(mixed[2m]))",
      "histogram_count(rate(mixed[2m]))", "sum(sum_over_time(mixed[2m]))", "histogram_quantile(0.5, rate(mixed[2m]))",
    ] {
      let target = "/api/v1/query?query=\(percentEncoded(query))&time=\(pair.start + 190)"
      let own = try pair.apus.get(target)
      #expect(own.text.contains("mix of histograms and floats"), "\(query): \(own.text)")
    }
  }
}
