import HTTP

/// From the outcome of an exchange to the content of an answer, in Prometheus's words. Pure.
enum ScrapeContent {
  /// `limit`: the target's own limit of its body; 0: it has none, and `bound` is the server's.
  static func make(
    _ result: Result<ClientResponse, HTTPClientError>, of request: ClientRequest, limit: Int, bound: Int
  ) -> ScrapeAnswer.Content {
    switch result {
    case .failure(.responseTooLarge), .failure(.redirected(_, _, .responseTooLarge)):
      return .failure(limit > 0 ? tooLarge : "\(tooLarge) (\(bound) bytes, the server's own)", isTooLarge: true)
    case .failure(.noRoom), .failure(.redirected(_, _, .noRoom)): return .failure(noRoom, isTooLarge: false)
    case .failure(let error): return .failure(error.text(of: request), isTooLarge: false)
    case .success(let response):
      if response.status != 200 {
        return .failure("server returned HTTP status \(response.statusText)", isTooLarge: false)
      }
      // A body of exactly the limit is too large.
      if limit > 0 && response.body.count >= limit { return .failure(tooLarge, isTooLarge: true) }
      return .body(response.body, contentType: response.header("Content-Type"))
    }
  }

  /// The text of a scrape that found no room in the budget of bodies.
  static let noRoom = "no memory for the body: those of other scrapes have used up apus.scrape.bodies_bytes_max"
  private static let tooLarge = "body size limit exceeded"
}
