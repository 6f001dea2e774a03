import HTTP
import Outbound

/// A job's options with all that is made of them once: its client, the headers of its requests, its failure log.
/// Immutable; any thread.
final class JobSettings: Sendable {
  let options: ScrapeOptions
  let client: OutboundClient
  let failureLog: ScrapeFailureLog?
  private let headers: [(name: String, value: String)]

  /// `client`: one with equal settings, which keeps its connections.
  init(
    _ options: ScrapeOptions, client: OutboundClient, failureLog: ScrapeFailureLog?, userAgent: String
  ) {
    self.options = options
    self.client = client
    self.failureLog = failureLog
    headers = [
      ("Accept", ScrapeAccept.header(options)),
      ("Accept-Encoding", options.isCompressionEnabled ? "gzip" : "identity"),
      ("User-Agent", userAgent),
    ]
  }

  /// The request for a target's samples. `bodyBytesMax`: a larger body is an error.
  func request(_ target: TargetIdentity, bodyBytesMax: Int) -> ClientRequest {
    let seconds = SecondsText.shortest(milliseconds: target.timeoutMilliseconds)
    var request = ClientRequest(
      url: target.url, headers: headers + [("X-Prometheus-Scrape-Timeout-Seconds", seconds)])
    request.totalMillisecondsMax = Int(target.timeoutMilliseconds)
    request.responseBytesMax = bodyBytesMax
    return request
  }
}

/// Milliseconds as decimal seconds with as few digits as say them: `10`, `0.5`.
enum SecondsText {
  static func shortest(milliseconds: Int64) -> String {
    let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
    if rest == 0 { return "\(seconds)" }
    var digits = "\(1000 + rest)".dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(seconds).\(digits)"
  }
}

/// The header that tells a target which formats are asked for.
enum ScrapeAccept {
  /// The preference of the first format, in tenths, is one more than there are formats.
  static func header(_ options: ScrapeOptions) -> String {
    var tenths = ScrapeProtocol.allCases.count + 1
    var parts: [String] = []
    for format in options.protocols {
      // Only the newest forms of the text formats know escaping.
      let isEscaped = format == .openMetrics1 || format == .text1
      parts.append(
        mediaType(format) + (isEscaped ? ";escaping=\(options.escaping.rawValue)" : "") + ";q=0.\(tenths)")
      tenths -= 1
    }
    parts.append("*/*;q=0.\(tenths)")
    return parts.joined(separator: ",")
  }

  private static func mediaType(_ format: ScrapeProtocol) -> String {
    switch format {
    case .protobuf: "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
    case .openMetrics0: "application/openmetrics-text;version=0.0.1"
    case .openMetrics1: "application/openmetrics-text;version=1.0.0"
    case .text0: "text/plain;version=0.0.4"
    case .text1: "text/plain;version=1.0.0"
    }
  }
}
