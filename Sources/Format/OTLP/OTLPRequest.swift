// OpenTelemetry's metrics, as its protocol groups them: resources, scopes, metrics, points. Plain values, the same from
// both encodings; what the translation does not look at is not read.

/// The body of one push.
package struct OTLPRequest: Sendable, Equatable {
  package var resources: [OTLPResource] = []

  package init(resources: [OTLPResource] = []) { self.resources = resources }
}

/// Why a body is no such request, or a part of it cannot be translated; `reason` is the value of the label under which
/// that is counted.
package struct OTLPError: Error, Sendable, Equatable, CustomStringConvertible {
  package var description: String
  package var reason: String

  package init(_ description: String, reason: String = "otlp_invalid") {
    self.description = description
    self.reason = reason
  }
}

package struct OTLPResource: Sendable, Equatable {
  package var attributes: [OTLPAttribute] = []
  package var scopes: [OTLPScope] = []

  package init(attributes: [OTLPAttribute] = [], scopes: [OTLPScope] = []) {
    self.attributes = attributes
    self.scopes = scopes
  }
}

package struct OTLPScope: Sendable, Equatable {
  package var name = ""
  package var version = ""
  package var schemaURL = ""
  package var attributes: [OTLPAttribute] = []
  package var metrics: [OTLPMetric] = []

  package init() {}
}

package struct OTLPAttribute: Sendable, Equatable {
  package var key: String
  package var value: OTLPValue

  package init(_ key: String, _ value: OTLPValue) {
    self.key = key
    self.value = value
  }
}

package indirect enum OTLPValue: Sendable, Equatable {
  case none
  case string(String)
  case bool(Bool)
  case integer(Int64)
  case double(Double)
  case array([OTLPValue])
  case map([OTLPAttribute])
  case bytes([UInt8])
}

package enum OTLPTemporality: Sendable, Equatable {
  case unspecified, delta, cumulative
}

package struct OTLPMetric: Sendable, Equatable {
  package enum Points: Sendable, Equatable {
    case none
    case gauge([OTLPNumberPoint])
    case sum([OTLPNumberPoint], OTLPTemporality, isMonotonic: Bool)
    case histogram([OTLPHistogramPoint], OTLPTemporality)
    case exponential([OTLPExponentialPoint], OTLPTemporality)
    case summary([OTLPSummaryPoint])
  }

  package var name = ""
  package var help = ""
  package var unit = ""
  package var points = Points.none

  package init() {}

  package var temporality: OTLPTemporality? {
    switch points {
    case .sum(_, let temporality, _), .histogram(_, let temporality), .exponential(_, let temporality): temporality
    case .none, .gauge, .summary: nil
    }
  }

  /// How many points it has.
  package var count: Int {
    switch points {
    case .none: 0
    case .gauge(let points), .sum(let points, _, _): points.count
    case .histogram(let points, _): points.count
    case .exponential(let points, _): points.count
    case .summary(let points): points.count
    }
  }

  /// The times of its points, in nanoseconds.
  package var times: [UInt64] {
    switch points {
    case .none: []
    case .gauge(let points), .sum(let points, _, _): points.map(\.base.time)
    case .histogram(let points, _): points.map(\.base.time)
    case .exponential(let points, _): points.map(\.base.time)
    case .summary(let points): points.map(\.base.time)
    }
  }
}

/// The fields that points of every kind have. Times are nanoseconds since 1970.
package struct OTLPPoint: Sendable, Equatable {
  package var attributes: [OTLPAttribute] = []
  package var startTime: UInt64 = 0
  package var time: UInt64 = 0
  package var flags: UInt32 = 0

  package init() {}

  /// The point only says that the series has ended.
  package var hasNoRecordedValue: Bool { flags & 1 != 0 }
}

package struct OTLPNumberPoint: Sendable, Equatable {
  package var base = OTLPPoint()
  /// Integers become doubles, as samples are.
  package var value = 0.0
  package var exemplars: [OTLPExemplar] = []

  package init() {}
}

package struct OTLPHistogramPoint: Sendable, Equatable {
  package var base = OTLPPoint()
  package var count: UInt64 = 0
  package var sum: Double?
  package var buckets: [UInt64] = []
  package var bounds: [Double] = []
  package var exemplars: [OTLPExemplar] = []

  package init() {}
}

package struct OTLPExponentialPoint: Sendable, Equatable {
  package struct Buckets: Sendable, Equatable {
    package var offset: Int32 = 0
    package var counts: [UInt64] = []

    package init() {}
  }

  package var base = OTLPPoint()
  package var count: UInt64 = 0
  package var sum: Double?
  package var scale: Int32 = 0
  package var zeroCount: UInt64 = 0
  package var positive = Buckets()
  package var negative = Buckets()
  package var exemplars: [OTLPExemplar] = []

  package init() {}
}

package struct OTLPSummaryPoint: Sendable, Equatable {
  package struct Quantile: Sendable, Equatable {
    package var quantile: Double
    package var value: Double

    package init(_ quantile: Double, _ value: Double) {
      self.quantile = quantile
      self.value = value
    }
  }

  package var base = OTLPPoint()
  package var count: UInt64 = 0
  package var sum = 0.0
  package var quantiles: [Quantile] = []

  package init() {}
}

package struct OTLPExemplar: Sendable, Equatable {
  package var attributes: [OTLPAttribute] = []
  package var time: UInt64 = 0
  package var value = 0.0
  package var traceID: [UInt8] = []
  package var spanID: [UInt8] = []

  package init() {}
}
