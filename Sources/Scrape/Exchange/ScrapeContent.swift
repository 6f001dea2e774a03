import HTTP

/// From the outcome of an exchange to the content of an answer, in Prometheus's words. Pure.
enum ScrapeContent {
  /// `limit`: the target's own limit of its body; 0: it has none, and `bound` is the server's.
  static func make(
    _ result: Result<ClientResponse, HTTPClientError>, url: String, limit: Int, bound: Int
  ) -> ScrapeAnswer.Content {
    switch result {
    case .failure(.responseTooLarge):
      return .failure(limit > 0 ? tooLarge : "\(tooLarge) (\(bound) bytes, the server's own)", isTooLarge: true)
    case .failure(.timedOut): return failure(url, "context deadline exceeded")
    case .failure(.cancelled): return failure(url, "context canceled")
    case .failure(let error): return failure(url, "\(error)")
    case .success(let response):
      if response.status != 200 {
        return .failure(
          "server returned HTTP status \(StatusText.of(response.status))", isTooLarge: false)
      }
      // A body of exactly the limit is too large.
      if limit > 0 && response.body.count >= limit { return .failure(tooLarge, isTooLarge: true) }
      return .body(response.body, contentType: response.header("Content-Type"))
    }
  }

  private static let tooLarge = "body size limit exceeded"

  private static func failure(_ url: String, _ reason: String) -> ScrapeAnswer.Content {
    .failure("Get \"\(url)\": \(reason)", isTooLarge: false)
  }
}

/// The codes of answers with their names.
enum StatusText {
  static func of(_ status: Int) -> String { names[status].map { "\(status) \($0)" } ?? "\(status)" }

  private static let names: [Int: String] = [
    100: "Continue", 101: "Switching Protocols", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information",
    204: "No Content", 205: "Reset Content", 206: "Partial Content", 300: "Multiple Choices", 301: "Moved Permanently",
    302: "Found", 303: "See Other", 304: "Not Modified", 305: "Use Proxy", 307: "Temporary Redirect",
    308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
    408: "Request Timeout", 409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
    413: "Request Entity Too Large", 414: "Request URI Too Long", 415: "Unsupported Media Type",
    416: "Requested Range Not Satisfiable", 417: "Expectation Failed", 418: "I'm a teapot", 421: "Misdirected Request",
    422: "Unprocessable Entity", 423: "Locked", 424: "Failed Dependency", 425: "Too Early", 426: "Upgrade Required",
    428: "Precondition Required", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
    451: "Unavailable For Legal Reasons", 500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
    506: "Variant Also Negotiates", 507: "Insufficient Storage", 508: "Loop Detected", 510: "Not Extended",
    511: "Network Authentication Required",
  ]
}
