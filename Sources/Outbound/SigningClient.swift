import HTTP
import Platform

/// An `OutboundClient` whose requests may be signed for a service of AWS. Any thread.
package final class SigningClient: Sendable {
  private let client: OutboundClient
  private let session: AWSSession?
  private let service: String

  /// `signing`: nil where requests are not signed.
  package init(
    _ settings: ClientSettings, signing: RequestSigning?, options: HTTPClientOptions,
    environment: [String: String] = ProxyEnvironment.variables, clock: any Clock = SystemClock()
  ) {
    client = OutboundClient(settings, options: options, environment: environment, clock: clock)
    service = signing?.service ?? ""
    session = signing.map { signing in
      var environment = environment
      if signing.usesFIPS { environment["AWS_USE_FIPS_ENDPOINT"] = "true" }
      return AWSSession(
        signing.access, client: ClientSettings(),
        AWSSurroundings(clock: clock, environment: environment, userAgent: options.userAgent))
    }
  }

  /// Waits for the answer, of any status, as `OutboundClient.send`.
  package func send(
    _ request: ClientRequest, isCancelled: @escaping Cancellation = { false }
  ) throws(HTTPClientError) -> ClientResponse {
    guard let session else { return try client.send(request, isCancelled: isCancelled) }
    var request = request
    do throws(AWSError) {
      try session.signer(service: service, isCancelled).sign(&request, isCancelled)
    } catch {
      if error.isOfIdentity { session.forget() }
      throw .cannotPrepare("\(error)")
    }
    let answer = try client.send(request, isCancelled: isCancelled)
    // Keys may have been replaced where they are kept.
    if answer.status == 401 || answer.status == 403 { session.forget() }
    return answer
  }

  /// Starts an exchange on the loop, as `OutboundClient.start`. Signing may have to ask for keys: a task that `prepareOn`
  /// takes does it.
  package func start(
    _ request: ClientRequest, on loop: ExchangeLoop,
    prepareOn: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool,
    then: @escaping ExchangeLoop.Completion
  ) {
    guard let session else { return client.start(request, on: loop, prepareOn: prepareOn, then: then) }
    let isTaken = prepareOn { [client, service] in
      var request = request
      do throws(AWSError) {
        try session.signer(service: service) { false }.sign(&request) { false }
      } catch {
        if error.isOfIdentity { session.forget() }
        return then(.failure(.cannotPrepare("\(error)")))
      }
      client.start(request, on: loop, prepareOn: prepareOn) { result in
        // Keys may have been replaced where they are kept.
        if case .success(let answer) = result, answer.status == 401 || answer.status == 403 { session.forget() }
        then(result)
      }
    }
    if !isTaken { then(.failure(.cannotPrepare("no thread was free to read the credentials"))) }
  }
}
