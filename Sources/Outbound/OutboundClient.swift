import HTTP
import Model
import Platform

/// Sends requests to other servers as the settings say. Any thread.
package final class OutboundClient: Sendable {
  package let settings: ClientSettings
  private let client: HTTPClient

  package init(_ settings: ClientSettings, options: HTTPClientOptions = HTTPClientOptions()) {
    self.settings = settings
    client = HTTPClient(options: options)
  }

  /// Waits for the answer, of any status.
  package func send(
    _ request: ClientRequest, isCancelled: (() -> Bool)? = nil
  ) throws(HTTPClientError) -> ClientResponse {
    try client.send(request, isCancelled: isCancelled)
  }

  /// Waits for a long answer; the body of a good one is handed to `take` piece by piece, until that says false. Bounded
  /// in time by `request.totalMillisecondsMax` (an hour without), not in bytes.
  package func stream(
    _ request: ClientRequest, isCancelled: (() -> Bool)? = nil, take: (LentBytes) -> Bool
  ) throws(HTTPClientError) -> ClientResponse {
    try unsafe client.stream(request, isCancelled: isCancelled) { unsafe take(LentBytes($0)) }
  }

  /// Starts an exchange on the loop; `then` is called once, on the loop's thread or, where the exchange cannot begin, on
  /// the one that finds out. Constant credentials go straight to the loop; what has to be read or fetched first is
  /// had by a task that `prepareOn` takes (false: it has no room, and the exchange fails).
  package func start(
    _ request: ClientRequest, on loop: ExchangeLoop, prepareOn: (@escaping @Sendable () -> Void) -> Bool,
    then: @escaping ExchangeLoop.Completion
  ) {
    loop.start(request, client.options, then: then)
  }
}
