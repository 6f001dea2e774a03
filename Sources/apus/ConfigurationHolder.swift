import Platform
import Synchronization

/// The configuration in force, and how it is replaced by a reload. Any thread; one reload at a time.
final class ConfigurationHolder: Sendable {
  private struct State: Sendable {
    var configuration: Configuration
    var apply: [@Sendable (Configuration) -> Void] = []
    var isLastSuccessful = true
    var lastSuccessMilliseconds: Int64
  }

  private let state: Mutex<State>
  private let reloading = Mutex(())
  private let options: ServeOptions
  let environment: [String: String]
  private let log: Log
  private let clock = SystemClock()

  init(_ configuration: Configuration, _ options: ServeOptions, environment: [String: String], log: Log) {
    self.options = options
    self.environment = environment
    self.log = log
    state = Mutex(State(configuration: configuration, lastSuccessMilliseconds: clock.nowMilliseconds()))
  }

  var present: Configuration { state.withLock { $0.configuration } }

  /// The time the configuration in force was taken over, and whether the last try to replace it went well.
  var lastReload: (milliseconds: Int64, isGood: Bool) {
    state.withLock { ($0.lastSuccessMilliseconds, $0.isLastSuccessful) }
  }

  /// `apply` is called with every configuration that replaces the one in force.
  func onReload(_ apply: @escaping @Sendable (Configuration) -> Void) { state.withLock { $0.apply.append(apply) } }

  /// Calls `apply` with the one in force: at the start, once there is what it is applied to.
  func takeOverPresent() {
    reloading.withLock { _ in
      let (configuration, apply) = state.withLock { ($0.configuration, $0.apply) }
      for apply in apply { apply(configuration) }
    }
  }

  /// Reads the file again. Returns and logs what is wrong with it; the old configuration then stays.
  func reload() -> String? {
    reloading.withLock { _ in
      do throws(ConfigurationErrors) {
        let configuration = try ConfigurationFile.load(options, environment: environment)
        let now = clock.nowMilliseconds()
        let apply = state.withLock { state in
          state.configuration = configuration
          state.isLastSuccessful = true
          state.lastSuccessMilliseconds = now
          return state.apply
        }
        for apply in apply { apply(configuration) }
        for warning in configuration.warnings { log.warn(warning) }
        log.info("Configuration loaded", ["file": options.configFile])
        return nil
      } catch {
        state.withLock { $0.isLastSuccessful = false }
        for line in error.lines { log.error("Configuration not loaded", ["err": line]) }
        return error.description
      }
    }
  }

  func register(in registry: MetricsRegistry) {
    registry.collect(
      "prometheus_config_last_reload_successful", "Whether the last configuration reload attempt was successful.",
      .gauge
    ) { [self] in [(labels: [], value: state.withLock { $0.isLastSuccessful } ? 1 : 0)] }
    registry.collect(
      "prometheus_config_last_reload_success_timestamp_seconds",
      "Timestamp of the last successful configuration reload.", .gauge
    ) { [self] in [(labels: [], value: Double(state.withLock { $0.lastSuccessMilliseconds }) / 1000)] }
    registry.collect(
      "apus_rule_files_refused", "Rule files that the configuration names and that are left out because of errors.",
      .gauge
    ) { [self] in [(labels: [], value: Double(state.withLock { $0.configuration.refusedRuleFiles.count }))] }
  }
}
