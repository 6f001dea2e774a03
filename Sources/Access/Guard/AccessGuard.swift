import Format
import HTTP
import Platform

/// Decides who may do what: finds out who asks, by signature, token, password or certificate, then whether the statements
/// allow the route's action in the workspace. Any thread; nothing here waits.
package final class AccessGuard: RequestGuard {
  /// The users of the web configuration file and their hashes. They may do everything.
  package typealias Users = @Sendable () -> [String: String]

  let credentials: CredentialStore?
  let webUsers: Users
  let passwords: PasswordVerifier
  private let verifiers: SignatureVerifiers
  private let aliases: @Sendable (String) -> String?
  private let policies: ResourcePolicies
  private let exemptsHealth: Bool
  private let limit: (@Sendable () -> Bool)?
  let notes: RefusalNotes

  /// - Parameters:
  ///   - aliases: the alias of a workspace.
  ///   - policies: what workspaces say themselves.
  ///   - exemptsHealth: lets everybody ask for `/-/healthy` and `/-/ready`.
  ///   - limit: true if one more request may come now; nil: there is no limit.
  package init(
    credentials: CredentialStore?, webUsers: @escaping Users, passwords: PasswordVerifier, exemptsHealth: Bool,
    aliases: @escaping @Sendable (String) -> String?, policies: ResourcePolicies = ResourcePolicies(),
    limit: (@Sendable () -> Bool)? = nil, clock: any Clock, log: Log,
    registry: MetricsRegistry
  ) {
    self.credentials = credentials
    self.webUsers = webUsers
    self.passwords = passwords
    self.exemptsHealth = exemptsHealth
    self.aliases = aliases
    self.policies = policies
    self.limit = limit
    verifiers = SignatureVerifiers(clock: clock)
    notes = RefusalNotes(clock: clock, log: log, registry: registry)
  }

  package func admit(_ request: Request) -> Admission {
    if let limit, !limit() { return .refused(.text(429, "Too Many Requests")) }
    if exemptsHealth, request.action == .health { return .passed }
    let index = credentials?.present ?? CredentialIndex()
    let users = webUsers()
    if isOpen { return .passed }
    // Browsers send no credentials with it, and it says nothing of any data.
    if request.method == .options, request.header("access-control-request-method") != nil { return .passed }
    if let credentials {
      switch verifiers.verifier(index.signatures).begin(request, keys: credentials) {
      case .absent: break
      case .refused(let refusal): return refuse(request, refusal, who: SignedName.key(of: request))
      case .check(let check): return .body(SignedBody(self, check))
      }
    }
    switch Credential(request) {
    case .bearer(let token):
      guard let principal = index.bearers[token.lend { SHA256.digest(of: $0) }] else {
        return refuse(request, .unknownToken, who: nil)
      }
      return pass(request, principal)
    case .basic(let user, let password):
      return basic(request, user, password, index, users)
    case .unreadable: return refuse(request, missing(index, users), who: nil)
    case nil:
      for name in request.clientNames {
        if let principal = index.certificates[name] { return pass(request, principal) }
      }
      return refuse(request, missing(index, users), who: request.clientNames.first)
    }
  }

  private func basic(
    _ request: Request, _ user: String, _ password: [UInt8], _ index: CredentialIndex, _ users: [String: String]
  ) -> Admission {
    // A user of the web file comes first: that file is Prometheus's.
    let own = users[user].map { ($0, Principal.everything(user)) }
    let known = own ?? index.users[user].map { ($0.hash, $0.principal) }
    let address = request.peer?.client ?? ""
    // Those of the web file alone are answered as the toolkit answers them.
    let refusal = credentials == nil ? AccessRefusal.webPassword : .wrongPassword
    switch passwords.verdict(user, password, hash: known?.0, address: address) {
    case .right:
      guard let known else { return refuse(request, refusal, who: user) }
      return pass(request, known.1)
    case .wrong: return refuse(request, refusal, who: user)
    case .tooMany:
      let refusal = AccessRefusal.tooManyPasswords
      notes.note(refusal, request, who: user)
      return .refused(refusal.response.retryAfter(seconds: 5))
    case .unknown:
      return .queued(passwords.executor, busy: AccessRefusal.tooManyPasswords.response.retryAfter(seconds: 1)) {
        [self] request in
        guard passwords.check(user, password, hash: known?.0, address: address), let known else {
          notes.note(refusal, request, who: user)
          return refusal.response
        }
        return verdict(request, known.1)
      }
    }
  }

  private func pass(_ request: Request, _ principal: Principal) -> Admission {
    verdict(request, principal).map { .refused($0) } ?? .passed
  }

  /// The answer to one who is known and may not; nil where he may.
  func verdict(_ request: Request, _ principal: Principal) -> Response? {
    request.caller = principal
    guard let action = request.action, may(principal, action, in: request.workspace) else {
      let refusal = AccessRefusal.notAllowed(principal.name, request.action, request.workspace)
      notes.note(refusal, request, who: principal.name)
      return refusal.response
    }
    return nil
  }

  /// True if the one who asks may do something in a workspace; nil names the default one.
  package func may(_ caller: (any RequestCaller)?, _ action: RouteAction, in workspace: String?) -> Bool {
    guard let principal = caller as? Principal else { return isOpen }
    if action.decidesByWorkspace, workspace == nil {
      return AccessPolicy.allowsSomewhere(principal.statements, action)
    }
    let id = action.isServerWide ? "default" : workspace ?? "default"
    return AccessPolicy.allows(
      principal, action, workspace: id, alias: aliases(id), resource: policies[id]?.verdict(principal.name, action))
  }

  /// True if nobody is asked who he is.
  package var isOpen: Bool { credentials == nil && webUsers().isEmpty }

  private func refuse(_ request: Request, _ refusal: AccessRefusal, who: String?) -> Admission {
    notes.note(refusal, request, who: who)
    return .refused(refusal.response)
  }

  /// The answer to one who shows nothing; browsers and Prometheus are asked for what they have.
  private func missing(_ index: CredentialIndex, _ users: [String: String]) -> AccessRefusal {
    if credentials == nil { return .webCredentials }
    if !users.isEmpty || !index.users.isEmpty { return .noCredentials(challenge: "Basic realm=\"apus\"") }
    if !index.bearers.isEmpty { return .noCredentials(challenge: "Bearer") }
    return .noCredentials(challenge: nil)
  }
}

/// A signed body on its way. One thread at a time.
private final class SignedBody: BodyCheck {
  private let accessGuard: AccessGuard
  private let check: SignatureCheck

  init(_ accessGuard: AccessGuard, _ check: SignatureCheck) {
    self.accessGuard = accessGuard
    self.check = check
  }

  func take(_ piece: UnsafeRawBufferPointer) { unsafe check.take(piece) }

  func finish(_ request: Request) -> Response? {
    if let refusal = check.finish(request) {
      accessGuard.notes.note(refusal, request, who: check.keyID)
      return refusal.response
    }
    return accessGuard.verdict(request, check.principal)
  }
}

extension Principal {
  /// A user of the web configuration file.
  static func everything(_ name: String) -> Principal {
    Principal(name: name, statements: [PolicyStatement(effect: .allow, actions: ["*"], workspaces: ["*"])])
  }
}
