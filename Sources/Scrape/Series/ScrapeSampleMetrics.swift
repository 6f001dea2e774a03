import Platform

/// The counters of what scraped samples come to, over all targets: Prometheus's names and texts, and one of ours. Any thread.
package final class ScrapeSampleMetrics: Sendable {
  let duplicates: Counter
  let outOfOrder: Counter
  let outOfBounds: Counter
  let lateExemplars: Counter
  let overSampleLimit: Counter
  let overLabelLimits: Counter
  let overBucketLimit: Counter
  let forcedFlushes: Counter
  /// Of `scrape_keep_valid`.
  let leftOut: Counter

  package init(_ registry: MetricsRegistry) {
    duplicates = registry.counter(
      "prometheus_target_scrapes_sample_duplicate_timestamp_total",
      "Total number of samples rejected due to duplicate timestamps but different values.")
    outOfOrder = registry.counter(
      "prometheus_target_scrapes_sample_out_of_order_total",
      "Total number of samples rejected due to not being out of the expected order.")
    outOfBounds = registry.counter(
      "prometheus_target_scrapes_sample_out_of_bounds_total",
      "Total number of samples rejected due to timestamp falling outside of the time bounds.")
    lateExemplars = registry.counter(
      "prometheus_target_scrapes_exemplar_out_of_order_total",
      "Total number of exemplar rejected due to not being out of the expected order.")
    overSampleLimit = registry.counter(
      "prometheus_target_scrapes_exceeded_sample_limit_total",
      "Total number of scrapes that hit the sample limit and were rejected.")
    overLabelLimits = registry.counter(
      "prometheus_target_scrape_pool_exceeded_label_limits_total",
      "Total number of times scrape pools hit the label limits, during sync or config reload.")
    overBucketLimit = registry.counter(
      "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
      "Total number of scrapes that hit the native histogram bucket limit and were rejected.")
    forcedFlushes = registry.counter(
      "prometheus_target_scrapes_cache_flush_forced_total",
      "How many times a scrape cache was flushed due to getting big while scrapes are failing.")
    leftOut = registry.counter(
      "apus_scrapes_left_out_samples_total",
      "Lines and samples that were left out of scrapes that are stored all the same, as scrape_keep_valid says.")
  }
}
