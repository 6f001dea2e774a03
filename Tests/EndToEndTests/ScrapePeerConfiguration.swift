import TestKit

/// The configuration that a Prometheus and Apus are given alike, made of jobs that each scrape some path of the farm.
struct ScrapePeerConfiguration {
  let farm: String
  /// An address nobody listens at.
  let refused: String
  /// Folder of the files that jobs read: secrets, and targets of `file_sd_configs`.
  let folder: String

  /// `extra`: lines of the section `global`.
  func text(_ extra: String = "") -> String {
    """
    storage: {tsdb: {out_of_order_time_window: 0s}}
    global:
      scrape_interval: 1s
      scrape_timeout: 900ms
      scrape_protocols: [OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4]
    \(extra)
    scrape_configs:

    """ + (plainJobs + limitJobs + failureJobs + requestJobs + discoveryJobs + [cases]).joined()
  }

  /// A job with one target for each path, which is called as the job where there is one alone.
  private func job(_ name: String, _ settings: String = "", paths: [String]? = nil, address: String? = nil) -> String {
    let paths = paths ?? ["/" + name]
    var text = "- job_name: \(name)\n"
    for line in settings.split(separator: "\n") { text += "  \(line)\n" }
    text += "  static_configs:\n"
    for (place, path) in paths.enumerated() {
      let label = paths.count == 1 ? name : "\(name)-\(place)"
      text +=
        "  - {targets: ['\(address ?? farm)'], labels: {case: '\(label)', place: here, __metrics_path__: '/for/\(label)\(path)'}}\n"
    }
    return text
  }

  private var plainJobs: [String] {
    [
      job("plain"), job("many"), job("uncompressed", "enable_compression: false", paths: ["/many"]),
      job("openmetrics"), job("vanishing"), job("times"),
      job("kube-state-metrics"), job("cloudwatch"),
      job("cloudwatch-honored", "honor_labels: true", paths: ["/cloudwatch"]),
      job("times-ignored", "honor_timestamps: false", paths: ["/times"]),
      job("times-tracked", "track_timestamps_staleness: true", paths: ["/times"]),
      job("labels"), job("labels-honored", "honor_labels: true", paths: ["/labels"]),
      job("protobuf", "scrape_protocols: [PrometheusProto]"),
      job(
        "protobuf-classic-too", "scrape_protocols: [PrometheusProto]\nalways_scrape_classic_histograms: true",
        paths: ["/protobuf"]),
      job(
        "protobuf-converted", "scrape_protocols: [PrometheusProto]\nconvert_classic_histograms_to_nhcb: true",
        paths: ["/protobuf"]),
      job("classic"), job("converted", "convert_classic_histograms_to_nhcb: true", paths: ["/classic"]),
      job(
        "converted-too", "convert_classic_histograms_to_nhcb: true\nalways_scrape_classic_histograms: true",
        paths: ["/classic"]),
      job("openmetrics-converted", "convert_classic_histograms_to_nhcb: true", paths: ["/openmetrics"]),
      job(
        "legacy-names", "metric_name_validation_scheme: legacy\nmetric_name_escaping_scheme: underscores",
        paths: ["/case/10", "/plain"]),
    ]
  }

  private var limitJobs: [String] {
    [
      job("sample-limit", "sample_limit: 5", paths: ["/growing", "/many"]),
      job(
        "sample-limit-after-drop",
        "sample_limit: 5\nmetric_relabel_configs: [{action: drop, source_labels: [number], regex: '[0-9]*[1-9]'}]",
        paths: ["/many"]),
      job("label-limit", "label_limit: 4", paths: ["/plain", "/labels"]),
      job("label-name-limit", "label_name_length_limit: 8", paths: ["/plain", "/labels"]),
      job("label-value-limit", "label_value_length_limit: 20", paths: ["/plain", "/labels", "/many"]),
      job("body-limit", "body_size_limit: 2KB", paths: ["/plain", "/many", "/endless"]),
      job("target-limit", "target_limit: 1", paths: ["/plain", "/many"]),
      job(
        "bucket-limit", "scrape_protocols: [PrometheusProto]\nnative_histogram_bucket_limit: 2", paths: ["/protobuf"]),
      job(
        "bucket-factor", "scrape_protocols: [PrometheusProto]\nnative_histogram_min_bucket_factor: 1.7",
        paths: ["/protobuf"]),
    ]
  }

  private var failureJobs: [String] {
    let paths = [
      "/status-500", "/status-404", "/status-204", "/flapping", "/breaking", "/redirect", "/round", "/cut-gzip",
    ]
    return [
      job("failures", paths: paths), job("no-redirects", "follow_redirects: false", paths: ["/redirect"]),
      job("late", "scrape_timeout: 300ms"), job("stalling", "scrape_timeout: 300ms"),
      job("refused", paths: ["/plain"], address: refused),
      job(
        "fallback", "fallback_scrape_protocol: PrometheusText0.0.4",
        paths: (0..<20).map { "/case/\(Exposition.contentTypesFrom + $0)" }),
      job(
        "fallback-openmetrics", "fallback_scrape_protocol: OpenMetricsText1.0.0",
        paths: (0..<3).map { "/case/\(Exposition.contentTypesFrom + $0)" }),
    ]
  }

  private var requestJobs: [String] {
    [
      job("echo", "params: {module: [a, b], empty: [''], 'x y': ['ä&=+ /']}"),
      job(
        "echo-proto",
        "scrape_protocols: [PrometheusProto, OpenMetricsText1.0.0, PrometheusText0.0.4]\nscrape_timeout: 850ms",
        paths: ["/echo"]),
      job(
        "echo-names",
        "metric_name_escaping_scheme: underscores\nhttp_headers: {X-Own: {values: [one, two], secrets: [three]}}",
        paths: ["/echo"]),
      job("basic", "basic_auth: {username: user, password: pass}"),
      job("basic-wrong", "basic_auth: {username: user, password: wrong}", paths: ["/basic"]),
      job("bearer", "authorization: {credentials_file: '\(folder)/token'}"),
      job("bearer-missing", "authorization: {credentials_file: '\(folder)/no-token'}", paths: ["/bearer"]),
      """
      - job_name: blackbox
        metrics_path: /echo
        params: {module: [http_2xx], target: [replaced]}
        relabel_configs:
        - {source_labels: [__address__], target_label: __param_target}
        - {source_labels: [__param_target], target_label: instance}
        - {target_label: __address__, replacement: '\(farm)'}
        static_configs:
        - {targets: ['http://example.org/a?b=c'], labels: {case: blackbox-0}}
        - {targets: ['example.org:80'], labels: {case: blackbox-1}}

      """,
    ]
  }

  private var discoveryJobs: [String] {
    [
      """
      - job_name: relabelled
        relabel_configs:
        - {source_labels: [case], regex: '.*-[0-5]', action: keep}
        - {source_labels: [case], regex: '.*-[1]', action: drop}
        - {regex: 'meta_(.*)', replacement: 'mapped_$1', action: labelmap}
        - {regex: 'meta_.*', action: labeldrop}
        - {source_labels: [case], modulus: 7, target_label: shard, action: hashmod}
        - {source_labels: [case], regex: '.*-2', target_label: __address__, replacement: ''}
        - {source_labels: [case], regex: '.*-3', target_label: __scrape_interval__, replacement: 950ms}
        - {source_labels: [case], regex: '.*-4', target_label: __scrape_timeout__, replacement: 1h}
        - {source_labels: [case], regex: '.*-5', target_label: job, replacement: another}
        static_configs:

      """
        + (0..<9).map {
          "  - {targets: ['\(farm)'], labels: {case: relabelled-\($0), __metrics_path__: /for/relabelled-\($0)/plain, meta_a: '\($0)', __meta_b: b, __own: o}}\n"
        }.joined(),
      """
      - job_name: kept
        keep_dropped_targets: 2
        relabel_configs: [{source_labels: [case], regex: '.*-0', action: keep}]
        static_configs:

      """
        + (0..<5).map {
          "  - {targets: ['\(farm)'], labels: {case: kept-\($0), __metrics_path__: /for/kept-\($0)/plain}}\n"
        }.joined(),
      job(
        "metric-relabelled",
        """
        metric_relabel_configs:
        - {source_labels: [n], regex: '1', action: drop}
        - {source_labels: [__name__], regex: 'stays', target_label: __name__, replacement: 'renamed'}
        - {regex: 'n', action: labeldrop}
        - {source_labels: [__name__], target_label: __tmp_name}
        """, paths: ["/vanishing"]),
      job("nameless", "metric_relabel_configs: [{regex: __name__, action: labeldrop}]", paths: ["/plain"]),
      job("collapsed", "metric_relabel_configs: [{regex: 'number|n', action: labeldrop}]", paths: ["/growing"]),
      "- {job_name: files, file_sd_configs: [{files: ['\(folder)/targets-*.yml', '\(folder)/*.json']}]}\n",
      "- {job_name: asked, http_sd_configs: [{url: 'http://\(farm)/sd', refresh_interval: 5s}]}\n",
      "- {job_name: none, static_configs: []}\n",
    ]
  }

  private var cases: String {
    job("cases", paths: Exposition.cases.indices.map { "/case/\($0)" })
  }

  /// Writes what the jobs read. Target `leaving` is there until `removeTarget`.
  func writeFiles(_ directory: borrowing TemporaryDirectory) throws {
    _ = try directory.write("token-of-file\n", to: "token")
    _ = try directory.write(
      "- {targets: ['\(farm)'], labels: {case: files-0, __metrics_path__: /for/files/plain, own: label}}\n",
      to: "targets-a.yml")
    _ = try directory.write(leaving, to: "leaving.json")
  }

  func removeTarget(_ directory: borrowing TemporaryDirectory) throws {
    _ = try directory.write("[]", to: "leaving.json")
  }

  private var leaving: String {
    "[{\"targets\":[\"\(farm)\"],\"labels\":{\"case\":\"leaving\",\"__metrics_path__\":\"/for/leaving/plain\"}}]"
  }
}
