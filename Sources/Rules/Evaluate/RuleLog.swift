import Platform
import Synchronization

/// Tells the log of rules that fail: once for each error that lasts, and once when the rule is well again. One group's; any
/// thread.
final class RuleLog: Sendable {
  private let log: Log
  /// By rule: its last error and the last of its templates; empty where all went well.
  private let last: Mutex<[(error: String, template: String)]>

  init(_ log: Log, count: Int) {
    self.log = log
    last = Mutex(Array(repeating: (error: "", template: ""), count: count))
  }

  func note(_ number: Int, _ name: String, _ run: RuleRun) {
    // The server stops.
    if run.isCanceled { return }
    let template = run.templateErrors.first ?? ""
    let before = last.withLock { last in
      defer { last[number] = (run.error, template) }
      return last[number]
    }
    if !run.error.isEmpty && run.error != before.error {
      let message = run.isFailure ? "Evaluating rule failed" : "Results of a rule were not all stored"
      log.warn(message, ["rule": name, "err": run.error])
    }
    if run.error.isEmpty && !before.error.isEmpty { log.info("A rule is evaluated again", ["rule": name]) }
    if !template.isEmpty && template != before.template {
      log.warn("Expanding alert template failed", ["alert": name, "err": template])
    }
  }
}
