/// The operations on scrapers and anomaly detectors of the managed service, which are not made here: the one that gives a
/// configuration to begin with is served, the others say what takes their place. Immutable.
package struct ScraperOperations: Sendable {
  /// A scrape configuration that this server and Prometheus take as it is.
  package static let configuration = """
    global:
      scrape_interval: 30s
    scrape_configs:
      - job_name: pod_exporter
        kubernetes_sd_configs:
          - role: pod
      - job_name: cadvisor
        scheme: https
        authorization:
          type: Bearer
          credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token
        kubernetes_sd_configs:
          - role: node
        relabel_configs:
          - action: labelmap
            regex: __meta_kubernetes_node_label_(.+)
          - replacement: kubernetes.default.svc:443
            target_label: __address__
          - source_labels: [__meta_kubernetes_node_name]
            regex: (.+)
            target_label: __metrics_path__
            replacement: /api/v1/nodes/$1/proxy/metrics/cadvisor
      - job_name: kubernetes-apiservers
        scheme: https
        authorization:
          type: Bearer
          credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token
        kubernetes_sd_configs:
          - role: endpoints
        relabel_configs:
          - source_labels:
              - __meta_kubernetes_namespace
              - __meta_kubernetes_service_name
              - __meta_kubernetes_endpoint_port_name
            action: keep
            regex: default;kubernetes;https

    """

  private static let scraperText =
    "this server makes no scrapers: it scrapes by itself what scrape_configs of its configuration file names"
  private static let detectorText =
    "this server makes no anomaly detectors: a recording rule or an alert, in a rule groups namespace, takes their place"

  package init() {}

  package func add(to table: inout ManagementTable) {
    table.add(.getDefaultScraperConfiguration) { (request) throws(ManagementError) in
      var members = ManagementJSON()
      members.add("configuration", blob: Array(Self.configuration.utf8))
      return ManagementAnswer(request, members)
    }
    for operation in [
      ManagementOperation.createScraper, .updateScraper, .updateScraperLoggingConfiguration,
    ] {
      table.add(operation) { (_) throws(ManagementError) in throw .notServed(Self.scraperText) }
    }
    for operation in [ManagementOperation.createAnomalyDetector, .putAnomalyDetector] {
      table.add(operation) { (_) throws(ManagementError) in throw .notServed(Self.detectorText) }
    }
  }
}
