import API
import Platform

/// `prometheus_build_info`, which dashboards and alerts join with, and our own.
enum BuildMetrics {
  static func register(in registry: MetricsRegistry) {
    for name in ["prometheus_build_info", "apus_build_info"] {
      registry.collect(name, "A metric with a constant '1' value labeled by what was built.", .gauge) {
        let labels: MetricLabels = [
          ("version", Version.number), ("revision", Version.revision), ("branch", Version.branch),
          ("goversion", "swift\(Version.compiler)"),
        ]
        return [(labels: labels, value: 1)]
      }
    }
  }
}

extension Version {
  static var build: BuildVersion {
    BuildVersion(
      version: number, revision: revision, branch: branch, buildDate: buildDate, compiler: "swift\(compiler)")
  }
}
