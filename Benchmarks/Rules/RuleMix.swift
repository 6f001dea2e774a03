/// Rules of the kinds and shares that a cluster's usual rule files have, over the series of a load: rates summed by labels,
/// ratios of recorded series, joins with a series that tells versions, thresholds with `for`. A plain value.
struct RuleMix {
  var groups: Int
  /// Rules of a group, of ten kinds in turn.
  var rules: Int
  var intervalSeconds: Int
  var workload: Workload

  /// The file that all contenders read.
  var text: String {
    var text = "groups:\n"
    for group in 0..<groups {
      text += "  - name: group-\(group)\n    interval: \(intervalSeconds)s\n    rules:\n"
      for rule in 0..<rules { text += entry(rule, ofGroup: group) }
    }
    return text
  }

  /// Each group is about one service and metrics of its own. A chain of a group reads what its rules before have recorded.
  private func entry(_ rule: Int, ofGroup group: Int) -> String {
    let job = workload.podLabels(group % jobs, generation: 0).first { $0.0 == "job" }?.1 ?? ""
    let own = "group=\"\(group)\",turn=\"\(rule / 10)\""
    let selector = "{job=\"\(job)\"}"
    func metric(_ kind: ValueMix.Kind, _ number: Int) -> String { name(kind, group + 7 * (rule / 10) + number) }
    let requests = "rate(\(metric(.counter, 0))\(selector)[5m])"
    switch rule % 10 {
    case 0: return record("namespace:requests:rate5m", "sum by (job, namespace) (\(requests))", group, rule)
    case 1:
      let errors = "rate(\(metric(.counter, 1)){job=\"\(job)\",endpoint=~\"http-.*|grpc-.*\"}[5m])"
      return record("namespace:errors:rate5m", "sum by (job, namespace) (\(errors))", group, rule)
    case 2:
      return record(
        "namespace:errors:ratio5m", "namespace:errors:rate5m{\(own)} / namespace:requests:rate5m{\(own)}", group, rule)
    case 3: return record("job:requests:rate5m", "sum by (job) (namespace:requests:rate5m{\(own)})", group, rule)
    case 4:
      return record("job:fleet:rate5m", "sum by (job) (rate(\(metric(.counter, 2))[5m]))", group, rule)
    case 5:
      let join = "* on (job, pod) group_left () \(metric(.constant, 0))\(selector)"
      return record(
        "namespace:memory:sum", "sum by (namespace) (\(metric(.byteGauge, 0))\(selector) \(join))", group, rule)
    case 6:
      let average = "avg_over_time(\(metric(.decimalGauge, 0))\(selector)[5m])"
      return record("namespace:ratio:max5m", "max by (namespace) (\(average))", group, rule)
    case 7: return alert("ErrorsHigh", "namespace:errors:ratio5m{\(own)} > 3", "5m", group, rule)
    case 8: return alert("RatioHigh", "\(metric(.decimalGauge, 1))\(selector) > 95", "1m", group, rule)
    default: return alert("ServiceAbsent", "absent(\(metric(.constant, 1))\(selector))", "10m", group, rule)
    }
  }

  /// Services that the load has.
  private var jobs: Int { min(workload.pods, 11) }

  /// Of the metrics of a kind one, by a number of any size.
  private func name(_ kind: ValueMix.Kind, _ number: Int) -> String {
    let ofKind = (0..<min(Workload.metrics, workload.series)).filter { workload.mix.kind(ofMetric: $0) == kind }
    return ofKind.isEmpty ? "missing" : workload.metricName(ofKind[number % ofKind.count])
  }

  private func record(_ name: String, _ expression: String, _ group: Int, _ rule: Int) -> String {
    """
          - record: \(name)
            expr: \(expression)
            labels: {group: "\(group)", turn: "\(rule / 10)"}

    """
  }

  private func alert(_ name: String, _ expression: String, _ hold: String, _ group: Int, _ rule: Int) -> String {
    """
          - alert: \(name)
            expr: \(expression)
            for: \(hold)
            labels: {group: "\(group)", turn: "\(rule / 10)", severity: warning}
            annotations: {summary: "{{ $labels.namespace }} of {{ $labels.job }} has {{ $value | humanize }}"}

    """
  }
}
