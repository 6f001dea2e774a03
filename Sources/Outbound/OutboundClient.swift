import HTTP
import Model
import Platform

/// Sends requests to other servers as the settings say. Any thread.
package final class OutboundClient: Sendable {
  package let settings: ClientSettings
  private let options: HTTPClientOptions
  private let client: HTTPClient
  private let headers: RequestHeaders
  private let tls: TLSMaterial
  private let oauth2: OAuth2Source?

  /// `options` bounds the exchanges and names the user agent; the rest of them comes from the settings. `environment`
  /// is where `proxy_from_environment` looks.
  package init(
    _ settings: ClientSettings, options base: HTTPClientOptions = HTTPClientOptions(),
    environment: [String: String] = ProxyEnvironment.variables, clock: any Clock = SystemClock()
  ) {
    self.settings = settings
    var options = base
    options.redirects = settings.followsRedirects ? .followed(max: 10) : .returned
    options.isHTTP2Enabled = settings.isHTTP2Enabled
    options.reach = settings.reach
    let proxies = ProxyChoice(settings.proxy, environment: environment)
    options.proxy = HTTPClientOptions.Proxy { proxies.url(for: $0) }
    options.proxy.connectHeaders = settings.proxy.connectHeaderLines
    self.options = options
    client = HTTPClient(options: options)
    headers = RequestHeaders(settings)
    tls = TLSMaterial(settings.tls)
    if case .oauth2(let settings) = settings.credentials {
      oauth2 = OAuth2Source(settings, base, environment: environment, clock: clock)
    } else {
      oauth2 = nil
    }
  }

  /// Waits for the answer, of any status.
  package func send(
    _ request: ClientRequest, isCancelled: (() -> Bool)? = nil
  ) throws(HTTPClientError) -> ClientResponse {
    let deadline = deadline(request)
    var (request, options) = try prepared(request, until: deadline, isCancelled)
    request.totalMillisecondsMax = deadline.remainingMilliseconds
    return try client.send(request, options: options, isCancelled: isCancelled)
  }

  /// Waits for a long answer; the body of a good one is handed to `take` piece by piece, until that says false. Bounded
  /// in time by `request.totalMillisecondsMax` (an hour without), not in bytes.
  package func stream(
    _ request: ClientRequest, isCancelled: (() -> Bool)? = nil, take: (LentBytes) -> Bool
  ) throws(HTTPClientError) -> ClientResponse {
    let (request, options) = try prepared(request, until: deadline(request), isCancelled)
    return try unsafe client.stream(request, options: options, isCancelled: isCancelled) {
      unsafe take(LentBytes($0))
    }
  }

  /// Starts an exchange on the loop; `then` is called once, on the loop's thread or, where the exchange cannot begin, on
  /// the one that finds out. Constant credentials go straight to the loop; what has to be read or fetched first is
  /// had by a task that `prepareOn` takes (false: it has no room, and the exchange fails).
  package func start(
    _ request: ClientRequest, on loop: ExchangeLoop, prepareOn: (@escaping @Sendable () -> Void) -> Bool,
    then: @escaping ExchangeLoop.Completion
  ) {
    let token = oauth2?.ready
    if isReady(token) {
      do throws(HTTPClientError) {
        let (request, options) = try prepared(request, token: token, until: deadline(request), nil)
        return loop.start(request, options, then: then)
      } catch { return then(.failure(error)) }
    }
    let deadline = deadline(request)
    let isTaken = prepareOn { [self] in
      do throws(HTTPClientError) {
        var (request, options) = try prepared(request, until: deadline, nil)
        // The time that it took is the exchange's.
        request.totalMillisecondsMax = deadline.remainingMilliseconds
        loop.start(request, options, then: then)
      } catch { then(.failure(error)) }
    }
    if !isTaken { then(.failure(.cannotPrepare("no thread was free to read the credentials"))) }
  }

  /// The end of an exchange that begins now.
  private func deadline(_ request: ClientRequest) -> Deadline {
    Deadline(milliseconds: Int64(min(options.totalMillisecondsMax, request.totalMillisecondsMax ?? Int.max)))
  }

  /// True if a request can be prepared without reading or asking.
  private func isReady(_ token: String?) -> Bool {
    tls.isConstant && (headers.isConstant || headers.needsOnlyToken && token != nil)
  }

  /// The request with all that the settings add, and how it is sent.
  private func prepared(
    _ request: ClientRequest, token: String? = nil, until deadline: Deadline, _ isCancelled: (() -> Bool)?
  ) throws(HTTPClientError) -> (ClientRequest, HTTPClientOptions) {
    var request = request
    try headers.add(to: &request) { () throws(HTTPClientError) in
      if let token = token ?? oauth2?.ready { return token }
      guard let oauth2 else { return "" }
      return try oauth2.token(until: deadline, isCancelled: isCancelled)
    }
    var options = options
    options.tls = try tls.options()
    return (request, options)
  }
}

extension Deadline {
  fileprivate var remainingMilliseconds: Int { Int(remainingNanoseconds / 1_000_000) }
}

extension ProxySettings {
  var connectHeaderLines: [(name: String, value: String)] {
    connectHeaders.flatMap { header in
      (header.values + header.secrets).compactMap { secret in
        if case .text(let text) = secret { (header.name, text) } else { nil }
      }
    }
  }
}
