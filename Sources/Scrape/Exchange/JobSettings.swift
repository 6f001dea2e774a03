import HTTP
import Outbound

/// A job's options with all that is made of them once: its client, the headers of its requests, its failure log.
/// Immutable; any thread.
final class JobSettings: Sendable {
  let options: ScrapeOptions
  let client: SigningClient
  let failureLog: ScrapeFailureLog?
  /// Readings of credentials, and requests for tokens.
  let preparations = SerialWorks()
  private let headers: [(name: String, value: String)]

  /// `client`: one with equal settings, which keeps its connections.
  init(
    _ options: ScrapeOptions, client: SigningClient, failureLog: ScrapeFailureLog?, userAgent: String
  ) {
    self.options = options
    self.client = client
    self.failureLog = failureLog
    headers = [
      ("Accept", ScrapeProtocol.acceptHeader(options.protocols, escaping: options.escaping)),
      ("Accept-Encoding", ScrapeProtocol.acceptEncodingHeader(isCompressed: options.isCompressionEnabled)),
      ("User-Agent", userAgent),
    ]
  }

  /// The request for a target's samples. `bodyBytesMax`: a larger body is an error.
  func request(_ target: TargetIdentity, bodyBytesMax: Int) -> ClientRequest {
    let seconds = SecondsText.shortest(milliseconds: target.timeoutMilliseconds)
    var request = ClientRequest(
      url: target.url, headers: headers + [("X-Prometheus-Scrape-Timeout-Seconds", seconds)])
    request.unixSocket = target.labels[TargetLabels.unixSocket]
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
