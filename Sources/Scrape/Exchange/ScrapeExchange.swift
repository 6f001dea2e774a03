import HTTP
import Outbound

/// Whatever fetches answers: the network, or a test's. Any thread.
protocol ScrapeExchange: Sendable {
  /// Begins an exchange and comes back at once; `then` is called once, on another thread, or before this returns.
  func start(
    _ request: ClientRequest, by client: OutboundClient,
    then: @escaping @Sendable (Result<ClientResponse, HTTPClientError>) -> Void)
  /// Ends all exchanges that run: they are told as cancelled.
  func stop()
}
