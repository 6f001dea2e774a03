import Format

extension OTLPRequest {
  /// Number of samples that the translation makes of it, without those of `target_info`.
  func sampleCount(_ options: OTLPOptions) -> Int {
    var count = 0
    for resource in resources {
      for scope in resource.scopes {
        for metric in scope.metrics { count += metric.sampleCount(options) }
      }
    }
    return count
  }
}

extension OTLPMetric {
  fileprivate func sampleCount(_ options: OTLPOptions) -> Int {
    switch points {
    case .none: 0
    case .gauge(let points), .sum(let points, _, _): points.count
    case .exponential(let points, _): points.count
    case .histogram(let points, _):
      options.makesCustomBuckets
        ? points.count
        : points.reduce(0) { $0 + min($1.bounds.count, $1.buckets.count) + 2 + ($1.sum == nil ? 0 : 1) }
    case .summary(let points): points.reduce(0) { $0 + $1.quantiles.count + 2 }
    }
  }
}
