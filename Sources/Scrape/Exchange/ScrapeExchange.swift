import HTTP
import Outbound

/// Whatever fetches answers: the network, or a test's. Any thread.
protocol ScrapeExchange: Sendable {
  /// Begins an exchange and comes back at once; `then` is called once, on another thread, or before this returns.
  /// `prepareOn`: takes works that have to wait for something first, such as credentials in a file.
  func start(
    _ request: ClientRequest, by client: SigningClient, prepareOn: @escaping Scraper.Submit,
    then: @escaping @Sendable (Result<ClientResponse, HTTPClientError>) -> Void)
  /// Ends all exchanges that run: they are told as cancelled.
  func stop()
}
