import Format
import HTTP
import Platform

/// Tokens of a token server by the grant `client_credentials`: one is fetched when there is none that is good for ten
/// seconds more, by one thread; others wait for what comes of it. Any thread; `token` may wait.
final class OAuth2Source: Sendable {
  /// A token this near to its end is fetched anew, as by golang.org/x/oauth2.
  private static let earlyMilliseconds: Int64 = 10_000
  private static let answerBytesMax = 1 << 20

  private enum Style { case unknown, header, parameters }

  private struct State {
    var secret: String?
    var token: OAuth2Token?
    var isFetching = false
    /// Fetches that ended, and how the last one did.
    var ended = 0
    var failure: HTTPClientError?
    var style = Style.unknown
  }

  private let settings: OAuth2Settings
  private let tls: TLSMaterial
  private let client: HTTPClient
  private let clock: any Clock
  private let state = Monitor(State())

  init(_ settings: OAuth2Settings, _ base: HTTPClientOptions, environment: [String: String], clock: any Clock) {
    self.settings = settings
    self.clock = clock
    tls = TLSMaterial(settings.tls)
    var options = base
    let proxies = ProxyChoice(settings.proxy, environment: environment)
    options.proxy = HTTPClientOptions.Proxy { proxies.url(for: $0) }
    options.proxy.connectHeaders = settings.proxy.connectHeaderLines
    options.redirects = .followed(max: 10)
    options.isHTTP2Enabled = false
    options.responseBytesMax = Self.answerBytesMax
    options.idleConnectionsMax = 1
    client = HTTPClient(options: options)
  }

  /// The value of `Authorization` if it is at hand without reading or asking.
  var ready: String? {
    guard settings.clientSecret.isConstant else { return nil }
    let now = clock.nowMilliseconds()
    return state.withLock { Self.good($0, now) }
  }

  /// The value of `Authorization`; `timedOut` at the deadline.
  func token(until deadline: Deadline, isCancelled: (() -> Bool)?) throws(HTTPClientError) -> String {
    let secret: String
    do throws(SecretError) { secret = try settings.clientSecret.read() } catch {
      throw .cannotPrepare("unable to read oauth2 client secret: \(error)")
    }
    if let result = try turn(secret, deadline, isCancelled) { return result }
    let result = fetch(secret, deadline, isCancelled)
    state.withLock { state in
      state.isFetching = false
      state.ended += 1
      switch result {
      case .success(let token): (state.token, state.failure) = (token, nil)
      // That one thread gave up says nothing to the others.
      case .failure(.cancelled), .failure(.timedOut): (state.token, state.failure) = (nil, nil)
      case .failure(let error): (state.token, state.failure) = (nil, error)
      }
    }
    state.wakeAll()
    return try result.get().authorization
  }

  /// The token that is there, or that another thread fetches meanwhile; nil: it is this thread's turn to fetch.
  private func turn(_ secret: String, _ deadline: Deadline, _ isCancelled: (() -> Bool)?) throws(HTTPClientError)
    -> String?
  {
    let now = clock.nowMilliseconds()
    var before: Int?
    while true {
      let outcome: Result<String?, HTTPClientError>? = state.wait(until: Deadline(milliseconds: 500)) { state in
        if state.isFetching {
          before = before ?? state.ended
          return nil
        }
        // What the thread that was waited for was told holds for this one too.
        if let before, state.ended > before, let failure = state.failure { return .failure(failure) }
        if state.secret == secret, let good = Self.good(state, now) { return .success(good) }
        if state.secret != secret { state.style = .unknown }
        state.secret = secret
        state.isFetching = true
        return .success(nil)
      }
      if let outcome { return try outcome.get() }
      if deadline.isPassed { throw .timedOut }
      if isCancelled?() ?? false { throw .cancelled }
    }
  }

  private static func good(_ state: State, _ now: Int64) -> String? {
    guard let token = state.token else { return nil }
    if let expiry = token.expiryMilliseconds, expiry - earlyMilliseconds < now { return nil }
    return token.authorization
  }

  private func fetch(_ secret: String, _ deadline: Deadline, _ isCancelled: (() -> Bool)?) -> Result<
    OAuth2Token, HTTPClientError
  > {
    let style = state.withLock { $0.style }
    do throws(HTTPClientError) {
      if style == .parameters { return .success(try ask(secret, inHeader: false, deadline, isCancelled)) }
      do throws(HTTPClientError) {
        let token = try ask(secret, inHeader: true, deadline, isCancelled)
        state.withLock { $0.style = .header }
        return .success(token)
      } catch {
        if style == .header || error == .cancelled || error == .timedOut { throw error }
      }
      // Servers differ in where they want to be told who asks.
      let token = try ask(secret, inHeader: false, deadline, isCancelled)
      state.withLock { $0.style = .parameters }
      return .success(token)
    } catch { return .failure(error) }
  }

  private func ask(
    _ secret: String, inHeader: Bool, _ deadline: Deadline, _ isCancelled: (() -> Bool)?
  ) throws(HTTPClientError) -> OAuth2Token {
    var fields = ["grant_type": "client_credentials"]
    if !settings.scopes.isEmpty { fields["scope"] = settings.scopes.joined(separator: " ") }
    for (name, value) in settings.endpointParameters {
      if fields[name] != nil && name != "grant_type" {
        throw .cannotPrepare("oauth2: cannot overwrite parameter \"\(name)\"")
      }
      fields[name] = value
    }
    var request = ClientRequest(method: "POST", url: settings.tokenURL)
    request.headers = [("Content-Type", "application/x-www-form-urlencoded")]
    if inHeader {
      let pair = "\(PercentText.encodeForm(settings.clientID)):\(PercentText.encodeForm(secret))"
      request.secretHeaders = [("Authorization", "Basic " + Base64.encode(Array(pair.utf8)))]
    } else {
      if !settings.clientID.isEmpty { fields["client_id"] = settings.clientID }
      if !secret.isEmpty { fields["client_secret"] = secret }
    }
    request.body = Array(FormText.encode(fields).utf8)
    let remaining = Int(min(deadline.remainingNanoseconds / 1_000_000, Int64(Int32.max)))
    request.totalMillisecondsMax = remaining
    let isDeadlineFirst = remaining <= client.options.totalMillisecondsMax
    var options = client.options
    options.tls = try tls.options()
    do throws(HTTPClientError) {
      let answer = try client.send(request, options: options, isCancelled: isCancelled)
      return try OAuth2Token(answer, nowMilliseconds: clock.nowMilliseconds())
    } catch {
      switch error {
      case .cancelled, .cannotPrepare: throw error
      case .timedOut where isDeadlineFirst: throw error
      default: throw .cannotPrepare(error.text(of: request))
      }
    }
  }
}
