import Access
import HTTP
import Platform
import Workspaces

/// Who may use the server and how they connect, as the flags and their files have it. Any thread; owns the thread that looks
/// at the files.
final class AccessControl: Sendable {
  private static let lookMilliseconds: Int64 = 1_000

  /// Nil: everybody may do everything.
  let requestGuard: AccessGuard?
  let web: WebConfigSource?
  /// The policies of workspaces, which the management API sets.
  let policies = ResourcePolicies()
  private let watching: PeriodicTask?

  init(
    _ options: ServeOptions, _ workspaces: WorkspaceSet, clock: any Clock, log: Log, registry: MetricsRegistry
  ) throws(StartError) {
    let web = try AccessControl.web(options, clock, log)
    let credentials = try AccessControl.credentials(options, clock, log)
    self.web = web
    guard web != nil || credentials != nil else {
      requestGuard = nil
      watching = nil
      AccessControl.tellOpen(options, log)
      return
    }
    if credentials == nil, web?.present.users.isEmpty != false { AccessControl.tellOpen(options, log) }
    let limit: (@Sendable () -> Bool)?
    if let rate = web?.rateLimit {
      let limiter = RateLimiter(rate, clock: clock)
      limit = { limiter.take() }
    } else {
      limit = nil
    }
    let passwords: PasswordVerifier
    do throws(ThreadError) {
      passwords = try PasswordVerifier(clock: clock)
      watching = try PeriodicTask(name: "access-files", intervalMilliseconds: AccessControl.lookMilliseconds) {
        web?.look()
        credentials?.look()
      }
    } catch {
      throw StartError("\(error)")
    }
    requestGuard = AccessGuard(
      credentials: credentials, webUsers: { web?.present.users ?? [:] }, passwords: passwords,
      exemptsHealth: options.isHealthOpen, aliases: { [workspaces] in workspaces[$0]?.present.alias },
      policies: policies, limit: limit,
      clock: clock, log: log, registry: registry)
    if let web { AccessControl.register("apus_web_config", "web configuration file", in: registry) { web.lastReading } }
    if let credentials {
      AccessControl.register("apus_credentials", "credentials file", in: registry) { credentials.lastReading }
    }
  }

  /// True if clients have to say who they are, as the files are now.
  var asksForCredentials: Bool { requestGuard?.isOpen == false }

  func stop() { watching?.stop() }

  /// Gives a server its guard, its certificates and its headers.
  func apply(to options: inout HTTPServerOptions) {
    options.requestGuard = requestGuard
    guard let web else { return }
    if web.isTLS { options.tls = web }
    options.answerHeaders = { web.present.headers.map { ($0.name, $0.value) } }
  }

  private static func web(_ options: ServeOptions, _ clock: any Clock, _ log: Log) throws(StartError)
    -> WebConfigSource?
  {
    if options.webConfigFile.isEmpty { return nil }
    do throws(AccessFileError) {
      return try WebConfigSource(options.webConfigFile, clock: clock, log: log)
    } catch {
      throw StartError("--web.config.file: \(error)")
    }
  }

  private static func credentials(
    _ options: ServeOptions, _ clock: any Clock, _ log: Log
  ) throws(StartError) -> CredentialStore? {
    if options.credentialsFile.isEmpty { return nil }
    do throws(AccessFileError) {
      return try CredentialStore(options.credentialsFile, clock: clock, log: log)
    } catch {
      throw StartError("--web.credentials-file: \(error)")
    }
  }

  private static func tellOpen(_ options: ServeOptions, _ log: Log) {
    if options.listenAddresses.allSatisfy(\.isLoopback) { return }
    log.info(
      "Everybody who reaches the server may read, write and administer it (--web.config.file, --web.credentials-file)")
  }

  private static func register(
    _ prefix: String, _ name: String, in registry: MetricsRegistry,
    _ last: @escaping @Sendable () -> (isGood: Bool, milliseconds: Int64)
  ) {
    registry.collect(
      prefix + "_last_reload_successful", "Whether the \(name) as it is now is in force.", .gauge
    ) { [(labels: [], value: last().isGood ? 1 : 0)] }
    registry.collect(
      prefix + "_last_reload_success_timestamp_seconds", "Timestamp of the reading of the \(name) that is in force.",
      .gauge
    ) { [(labels: [], value: Double(last().milliseconds) / 1000)] }
  }
}
