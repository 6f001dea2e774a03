import HTTP

/// Sends requests to other servers as the settings say. Any thread; `send` waits for the answer.
package final class OutboundClient: Sendable {
  package let settings: ClientSettings
  private let client: HTTPClient

  package init(_ settings: ClientSettings, options: HTTPClientOptions = HTTPClientOptions()) {
    self.settings = settings
    client = HTTPClient(options: options)
  }

  /// The answer, of any status.
  package func send(
    _ request: ClientRequest, isCancelled: (() -> Bool)? = nil
  ) throws(HTTPClientError) -> ClientResponse {
    try client.send(request, isCancelled: isCancelled)
  }
}
