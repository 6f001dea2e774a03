import HTTP
import Platform
import Synchronization
import Workspaces

/// The actions of the program that the lifecycle endpoints ask for.
package struct LifecycleActions: Sendable {
  /// Reads the configuration again; the error's text, or nil.
  package var reload: @Sendable () -> String?
  package var quit: @Sendable () -> Void
  package var isEnabled: Bool
  /// The threads on which `reload` and `quit` run: a reload waits for disks.
  package var run = RouteRun.inline

  package init(isEnabled: Bool, reload: @escaping @Sendable () -> String?, quit: @escaping @Sendable () -> Void) {
    self.isEnabled = isEnabled
    self.reload = reload
    self.quit = quit
  }
}

/// `/-/healthy`, `/-/ready`, `/-/reload`, `/-/quit`.
struct LifecycleEndpoints: Sendable {
  let workspaces: WorkspaceSet
  let actions: LifecycleActions
  let isStopping: @Sendable () -> Bool

  func healthy(_ request: Request) -> Response { .text(200, "Prometheus Server is Healthy.") }

  func ready(_ request: Request) -> Response {
    if !isStopping() && workspaces.isReady { return .text(200, "Prometheus Server is Ready.") }
    return unavailable()
  }

  /// The answer of every endpoint that needs data while there is none.
  func unavailable() -> Response {
    plain(503, "Service Unavailable").with(header: "X-Prometheus-Stopping", isStopping() ? "true" : "false")
      .retryAfter(seconds: 5)
  }

  func reload(_ request: Request) -> Response {
    guard actions.isEnabled else { return plain(403, "Lifecycle API is not enabled.") }
    if let error = actions.reload() { return .text(500, "failed to reload config: \(error)") }
    return plain(200, "")
  }

  func quit(_ request: Request) -> Response {
    guard actions.isEnabled else { return plain(403, "Lifecycle API is not enabled.") }
    actions.quit()
    return plain(200, "Requesting termination... Goodbye!")
  }

  /// A text answer without a line end, as Prometheus has these.
  private func plain(_ status: Int, _ text: String) -> Response {
    Response(status: status, contentType: .text, body: .bytes(Array(text.utf8)))
  }

  func onlyPostOrPut(_ request: Request) -> Response {
    plain(405, "Only POST or PUT requests allowed").with(header: "Allow", "POST, PUT")
  }
}
