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

  private let client: OutboundClient
  private let session: AWSSession?
  private let signedService: String
  private let userAgent: String

  init(_ settings: ClientSettings, signing: RequestSigning? = nil, _ surroundings: DiscoverySurroundings) {
    var options = HTTPClientOptions()
    options.userAgent = surroundings.userAgent
    options.connectMillisecondsMax = .max
    options.totalMillisecondsMax = .max
    options.responseBytesMax = Self.answerBytesMax
    client = OutboundClient(settings, options: options, environment: surroundings.environment)
    userAgent = surroundings.userAgent
    signedService = signing?.service ?? ""
    session = signing.map { signing in
      var environment = surroundings.environment
      if signing.usesFIPS { environment["AWS_USE_FIPS_ENDPOINT"] = "true" }
      return AWSSession(
        signing.access, client: ClientSettings(),
        AWSSurroundings(clock: surroundings.clock, environment: environment, userAgent: surroundings.userAgent))
    }
  }

  /// Posts JSON. `then` is called once, on a thread that must not wait.
  func post(
    _ body: [UInt8], to url: String, milliseconds: Int64, on threads: NotifyThreads, then: @escaping Completion
  ) {
    guard let loop = threads.loop else { return then(.failure(.cancelled)) }
    var request = ClientRequest(
      method: "POST", url: url, headers: [("Content-Type", "application/json"), ("User-Agent", userAgent)], body: body)
    request.totalMillisecondsMax = Int(max(1, milliseconds))
    guard let session else {
      return client.start(request, on: loop, prepareOn: { threads.work($0) }, then: then)
    }
    let isTaken = threads.work { [client, signedService, request] in
      var request = request
      do throws(AWSError) {
        try session.signer(service: signedService) { false }.sign(&request) { false }
      } catch {
        if error.isOfIdentity { session.forget() }
        return then(.failure(.cannotPrepare("\(error)")))
      }
      client.start(request, on: loop, prepareOn: { threads.work($0) }) { result in
        // Keys may have been replaced where they are kept.
        if case .success(let answer) = result, answer.status == 401 || answer.status == 403 { session.forget() }
        then(result)
      }
    }
    if !isTaken { then(.failure(.cannotPrepare("no thread was free to read the credentials"))) }
  }
}
