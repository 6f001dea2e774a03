import HTTP
import Outbound
import Platform

/// Exchanges over the network, all on one thread. Any thread.
final class LoopExchange: ScrapeExchange {
  /// Exchanges with a socket each; a quarter of the files that the process may open, where that is less.
  private static let exchangesMax = 8_192

  private let loop: ExchangeLoop

  init() throws(ThreadError) {
    var limits = ExchangeLoop.Limits()
    limits.exchangesMax = max(64, min(Self.exchangesMax, DescriptorLimit.present / 4))
    limits.connectionsMax = limits.exchangesMax
    limits.waitingMax = Scraper.underWayMax
    loop = try ExchangeLoop(name: "scrape-fetch", limits: limits)
  }

  func start(
    _ request: ClientRequest, by client: SigningClient, prepareOn: @escaping Scraper.Submit,
    then: @escaping @Sendable (Result<ClientResponse, HTTPClientError>) -> Void
  ) {
    client.start(request, on: loop, prepareOn: prepareOn, then: then)
  }

  func stop() { loop.stop() }

  /// Limits of the client that are no limits: each request has its own.
  static var options: HTTPClientOptions {
    var options = HTTPClientOptions()
    options.connectMillisecondsMax = .max
    options.totalMillisecondsMax = .max
    options.responseBytesMax = .max
    return options
  }
}
