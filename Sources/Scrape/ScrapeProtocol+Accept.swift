// A protocol on the wire: what a request asks for, and what reads the answer.
extension ScrapeProtocol {
  /// The value of the `Accept` header: each protocol a tenth less wanted than the one before, and whatever there is last.
  package static func acceptHeader(_ protocols: [ScrapeProtocol], escaping: ScrapeOptions.Escaping) -> String {
    var tenths = allCases.count + 1
    var values: [String] = []
    for one in protocols {
      values.append("\(one.mediaType)\(one.namesEscaping ? ";escaping=\(escaping.rawValue)" : "");q=0.\(tenths)")
      tenths -= 1
    }
    values.append("*/*;q=0.\(tenths)")
    return values.joined(separator: ",")
  }

  /// The value of the `Accept-Encoding` header.
  package static func acceptEncodingHeader(isCompressed: Bool) -> String { isCompressed ? "gzip" : "identity" }

  private var mediaType: String {
    switch self {
    case .protobuf:
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
    case .openMetrics0: "application/openmetrics-text;version=0.0.1"
    case .openMetrics1: "application/openmetrics-text;version=1.0.0"
    case .text0: "text/plain;version=0.0.4"
    case .text1: "text/plain;version=1.0.0"
    }
  }

  /// The first versions of the formats do not know the parameter.
  private var namesEscaping: Bool { self == .openMetrics1 || self == .text1 }

  var format: ScrapeFormat {
    switch self {
    case .protobuf: .protobuf
    case .openMetrics0, .openMetrics1: .openMetrics
    case .text0, .text1: .text
    }
  }
}
