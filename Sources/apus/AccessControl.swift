import Access
import HTTP
import Platform
import Workspaces

/// Who may use the server, as the flags and their files have it. Any thread; owns the thread that looks at the files.
final class AccessControl: Sendable {
  private static let lookMilliseconds: Int64 = 1_000

  /// Nil: everybody may do everything.
  let requestGuard: AccessGuard?
  private let watching: PeriodicTask?

  init(
    _ options: ServeOptions, _ workspaces: WorkspaceSet, clock: any Clock, log: Log, registry: MetricsRegistry
  ) throws(StartError) {
    guard !options.credentialsFile.isEmpty else {
      requestGuard = nil
      watching = nil
      if options.listenAddresses.contains(where: { !$0.isLoopback }) {
        log.info(
          "Everybody who reaches the server may read, write and administer it (--web.config.file, --web.credentials-file)")
      }
      return
    }
    do throws(AccessFileError) {
      let credentials = try CredentialStore(options.credentialsFile, clock: clock, log: log)
      let passwords = try AccessControl.passwords(clock)
      requestGuard = AccessGuard(
        credentials: credentials, webUsers: { [:] }, passwords: passwords,
        exemptsHealth: options.isHealthOpen, aliases: { [workspaces] in workspaces[$0]?.present.alias }, clock: clock,
        log: log, registry: registry)
      watching = try AccessControl.task { credentials.look() }
      AccessControl.register(credentials, in: registry)
    } catch {
      throw StartError("--web.credentials-file: \(error)")
    }
  }

  func stop() { watching?.stop() }

  private static func passwords(_ clock: any Clock) throws(AccessFileError) -> PasswordVerifier {
    do throws(ThreadError) { return try PasswordVerifier(clock: clock) } catch { throw AccessFileError("\(error)") }
  }

  private static func task(_ look: @escaping @Sendable () -> Void) throws(AccessFileError) -> PeriodicTask {
    do throws(ThreadError) {
      return try PeriodicTask(name: "access-files", intervalMilliseconds: lookMilliseconds, look)
    } catch {
      throw AccessFileError("\(error)")
    }
  }

  private static func register(_ credentials: CredentialStore, in registry: MetricsRegistry) {
    registry.collect(
      "apus_credentials_last_reload_successful", "Whether the credentials file as it is now is in force.", .gauge
    ) { [(labels: [], value: credentials.lastReading.isGood ? 1 : 0)] }
    registry.collect(
      "apus_credentials_last_reload_success_timestamp_seconds",
      "Timestamp of the reading of the credentials file that is in force.", .gauge
    ) { [(labels: [], value: Double(credentials.lastReading.milliseconds) / 1000)] }
  }
}
