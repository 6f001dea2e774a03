import Format
import HTTP
import Model

/// Why one try of a request to AWS had no success, and whether another may have. A value.
struct AWSRequestError: Error, Sendable, Equatable {
  /// That of the answer (`RequestLimitExceeded`); empty where there is none.
  private(set) var code = ""
  let text: String
  /// True if the same request may succeed a little later.
  let mayPass: Bool

  private static let throttled: Set<String> = [
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "TooManyRequestsException",
    "ProvisionedThroughputExceededException", "TransactionInProgressException", "RequestLimitExceeded",
    "BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
    "EC2ThrottledException",
  ]
  private static let passing: Set<String> = ["RequestTimeout", "RequestTimeoutException"]
  private static let expired: Set<String> = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"]
  /// A message of a server is cut to this.
  private static let messageCharactersMax = 1000

  var isOfExpiredKeys: Bool { Self.expired.contains(code) }

  /// An answer that is not 200: its code and message, from XML (EC2, STS) or JSON (ECS).
  init(_ answer: ClientResponse) {
    let found = Self.xml(answer.body) ?? Self.json(answer)
    let requestID = found?.requestID ?? answer.header("x-amzn-requestid") ?? answer.header("x-amz-request-id") ?? ""
    code = found?.code ?? ""
    var text = "https response error StatusCode: \(answer.status), RequestID: \(requestID)"
    if let found {
      text += ", api error \(found.code): \(found.message.prefix(Self.messageCharactersMax))"
    }
    self.text = text
    mayPass =
      [500, 502, 503, 504].contains(answer.status) || answer.status == 429 || Self.throttled.contains(code)
      || Self.passing.contains(code)
  }

  /// No answer at all.
  init(_ error: HTTPClientError, of request: ClientRequest) {
    text = "request send failed, \(error.text(of: request))"
    switch error {
    case .invalidRequest, .cannotPrepare, .tls, .responseTooLarge, .headersTooLarge, .tooManyRedirects, .cancelled,
      .redirected:
      mayPass = false
    case .cannotResolve, .cannotConnect, .proxy, .timedOut, .noAnswer, .answerCut, .noRoom, .failed: mayPass = true
    }
  }

  private struct Answer {
    var code: String
    var message: String
    var requestID: String?
  }

  private static func xml(_ body: [UInt8]) -> Answer? {
    guard body.contains(UInt8(ascii: "<")),
      let root = try? body.lend({ bytes throws(XMLError) in try XMLElement(bytes) })
    else { return nil }
    // EC2: Response/Errors/Error; STS: ErrorResponse/Error.
    guard let error = root["Errors"]?["Error"] ?? root["Error"], let code = error.text(of: "Code") else { return nil }
    return Answer(
      code: code, message: error.text(of: "Message") ?? "",
      requestID: root.text(of: "RequestID") ?? root.text(of: "RequestId"))
  }

  /// The type stands in the body or in a header, with a namespace before `#` or details behind `:`.
  private static func json(_ answer: ClientResponse) -> Answer? {
    let body = answer.body.lend { JSONDocument($0) }
    guard let type = body?["__type"]?.text ?? body?["code"]?.text ?? answer.header("x-amzn-errortype") else {
      return nil
    }
    let bare = type.prefix { $0 != ":" }
    let code = bare.lastIndex(of: "#").map { bare[bare.index(after: $0)...] } ?? bare
    return Answer(
      code: String(code), message: body?["message"]?.text ?? body?["Message"]?.text ?? "",
      requestID: answer.header("x-amzn-requestid"))
  }
}
