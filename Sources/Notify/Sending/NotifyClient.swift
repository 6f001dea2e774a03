import Discovery
import HTTP
import Model
import Outbound
import Platform

/// Posts bodies to receivers of alerts with the settings of one section. Any thread.
final class NotifyClient: Sendable {
  typealias Completion = @Sendable (Result<ClientResponse, HTTPClientError>) -> Void

  /// The answer of a receiver: an error's text, of which a part is shown.
  private static let answerBytesMax = 1 << 20

  private let client: SigningClient
  private let userAgent: String

  init(_ settings: ClientSettings, signing: RequestSigning? = nil, _ surroundings: DiscoverySurroundings) {
    var options = HTTPClientOptions()
    options.userAgent = surroundings.userAgent
    options.connectMillisecondsMax = .max
    options.totalMillisecondsMax = .max
    options.responseBytesMax = Self.answerBytesMax
    client = SigningClient(
      settings, signing: signing, options: options, environment: surroundings.environment, clock: surroundings.clock)
    userAgent = surroundings.userAgent
  }

  /// Posts JSON. `then` is called once, on a thread that must not wait.
  func post(
    _ body: [UInt8], to url: String, milliseconds: Int64, on threads: NotifyThreads, then: @escaping Completion
  ) {
    guard let loop = threads.loop else { return then(.failure(.cancelled)) }
    var request = ClientRequest(
      method: "POST", url: url, headers: [("Content-Type", "application/json"), ("User-Agent", userAgent)], body: body)
    request.totalMillisecondsMax = Int(max(1, milliseconds))
    client.start(request, on: loop, prepareOn: { threads.work($0) }, then: then)
  }
}
