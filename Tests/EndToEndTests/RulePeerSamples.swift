import TestKit

/// The series that rules are evaluated over: each keeps its value through a step, so that servers whose rounds fall on
/// different moments see the same.
enum RulePeerSamples {
  /// Values by step; nil: the series ends with a stale marker, or is not there yet.
  private static let gauges: [(name: String, labels: RemoteWriteBody.Labels, values: [Double?])] = [
    ("g", ["n": "1", "zone": "a", "instance": "web-1.example.org:9100"], [1, 20, 30.5, 5, 5]),
    ("g", ["n": "2", "zone": "a", "instance": "10.0.0.2:9100"], [2, 25, 25, nil, 2]),
    ("g", ["n": "3", "zone": "b", "instance": "[2001:db8::1]:80"], [3, 3, 40, 40, 4]),
    ("other", ["n": "1"], [7, 7, 7, 7, 7]),
    ("info", ["n": "1", "version": "1.2"], [1, 1, 1, 1, 1]),
    ("info", ["n": "2", "version": "1.3"], [1, 1, 1, 1, 1]),
    ("late", ["job": "late job", "path": "/a b/ü\"\\"], [nil, 1234567.891, 1e-7, nil, nil]),
    ("always", ["job": "x"], [1, 1, 1, 1, 1]),
    ("up", ["job": "node", "instance": "a:1"], [1, 0, 0, 1, 1]),
    ("up", ["job": "node", "instance": "b:1"], [1, 1, 0, 0, 1]),
    ("size_bytes", ["device": "sda"], [1024, 1_610_612_736, 5e12, 0, -1024]),
    ("with.dot", ["label.dot": "v"], [11, 12, 13, 14, 15]),
    ("flag", ["of": "limit"], [0, 1, 1, 0, 0]),
  ]

  static let steps = 5

  private static let staleMarker = Double(bitPattern: 0x7ff0_0000_0000_0002)

  /// What both servers are sent as a step begins.
  static func body(step: Int, at time: Int64) -> RemoteWriteBody {
    var body = RemoteWriteBody()
    for (name, labels, values) in gauges {
      if let value = values[step] {
        body.add(name, labels, [(time, value)])
      } else if step > 0, values[step - 1] != nil {
        body.add(name, labels, [(time, staleMarker)])
      }
    }
    body.add("c_total", ["n": "1"], [(time, 600)])
    body.add([("__name__", "h"), ("n", "1")], histograms: [histogram(at: time, scale: Double(step + 40))])
    return body
  }

  /// Samples of the minutes before `time`, one in fifteen seconds: for rules that look at a fixed moment.
  static func history(until time: Int64) -> RemoteWriteBody {
    var body = RemoteWriteBody()
    let times = (0..<40).map { time - 600_000 + Int64($0) * 15_000 }
    body.add("c_total", ["n": "1"], times.enumerated().map { ($1, $0 % 25 == 24 ? 0 : Double($0 % 25) * 12.5) })
    for (place, bound) in ["0.1", "1", "10", "+Inf"].enumerated() {
      body.add("b_bucket", ["le": bound], times.enumerated().map { ($1, Double($0 * (place + 1))) })
    }
    body.add("wave", ["n": "1"], times.enumerated().map { ($1, Double(($0 * 7) % 11)) })
    body.add(
      [("__name__", "h"), ("n", "1")],
      histograms: times.enumerated().map { histogram(at: $1, scale: Double($0)) })
    return body
  }

  private static func histogram(at time: Int64, scale: Double) -> RemoteWriteHistogram {
    var histogram = RemoteWriteHistogram(at: time)
    // Bounds that are whole powers of two: of others Prometheus has tables whose last digits are not the nearest.
    histogram.schema = 0
    histogram.sum = 18.5 * scale
    histogram.zeroThreshold = 0.001
    histogram.zeroCount = scale
    histogram.positiveSpans = [(0, 2), (1, 2)]
    histogram.positive = [scale, 2 * scale, scale, 3 * scale]
    histogram.negativeSpans = [(0, 1)]
    histogram.negative = [scale]
    return histogram
  }
}
