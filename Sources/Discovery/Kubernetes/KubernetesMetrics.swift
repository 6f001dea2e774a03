import Platform

/// The metrics of all Kubernetes discoveries of a registry. Events are counted once for each object, however many jobs look
/// at it.
struct KubernetesMetrics: Sendable {
  private static let prefix = "prometheus_sd_kubernetes_"
  /// Kinds that events are counted of; they are also roles.
  private static let roles: [KubernetesKind] = [.endpointslice, .endpoints, .node, .pod, .service, .ingress]

  private let registry: MetricsRegistry
  let failures: Counter

  init(_ registry: MetricsRegistry) {
    self.registry = registry
    failures = registry.counter(Self.prefix + "failures_total", "The number of failed WATCH/LIST requests.")
    for role in Self.roles {
      for change in [KubernetesMirror.Change.add, .delete, .update] { _ = events(role, change) }
    }
  }

  private func events(_ kind: KubernetesKind, _ change: KubernetesMirror.Change) -> Counter {
    registry.counter(
      Self.prefix + "events_total", "The number of Kubernetes events handled.",
      labels: [("role", kind.rawValue), ("event", "\(change)")])
  }

  func count(_ kind: KubernetesKind, _ change: KubernetesMirror.Change, _ amount: Int = 1) {
    if amount > 0, Self.roles.contains(kind) { events(kind, change).add(amount) }
  }

  /// Counts a request. `status`: nil where there was no answer.
  func observe(_ path: String, status: Int?, seconds: Double) {
    let known = status.flatMap { (100...599).contains($0) ? String($0) : nil }
    registry.counter(
      Self.prefix + "http_request_total", "Total number of HTTP requests to the Kubernetes API by status code.",
      labels: [("status_code", known ?? "<error>")]
    ).add()
    let name = Self.prefix + "http_request_duration_seconds"
    let help = "Summary of latencies for HTTP requests to the Kubernetes API by endpoint."
    registry.doubleCounter(name + "_sum", help, labels: [("endpoint", path)]).add(max(0, seconds))
    registry.counter(name + "_count", help, labels: [("endpoint", path)]).add()
  }
}
