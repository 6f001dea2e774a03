import Model

/// The part of a scrape config that the storing of samples goes by. A plain value.
struct ScrapeTerms: Sendable, Equatable {
  var honorsTimestamps: Bool
  var tracksStalenessOfTimestamps: Bool
  var samplesMax: Int
  var bucketsMax: Int
  /// Native histograms of a finer schema are reduced to it.
  var schemaMax: Int32
  var keepsValid: Bool
  var storesNativeHistograms: Bool
  var alwaysStoresClassicHistograms: Bool
  var convertsClassicHistograms: Bool
  var storesExtraMetrics: Bool
  var timeoutMilliseconds: Int64
  var fallback: ScrapeProtocol?

  init(_ options: ScrapeOptions) {
    honorsTimestamps = options.honorsTimestamps
    tracksStalenessOfTimestamps = options.tracksStalenessOfTimestamps
    samplesMax = options.samplesMax
    bucketsMax = options.nativeHistogramBucketsMax
    schemaMax = ScrapeTerms.schema(bucketFactor: options.nativeHistogramBucketFactorMin)
    keepsValid = options.keepsValid
    storesNativeHistograms = options.storesNativeHistograms
    alwaysStoresClassicHistograms = options.alwaysStoresClassicHistograms
    convertsClassicHistograms = options.convertsClassicHistograms
    storesExtraMetrics = options.storesExtraMetrics
    timeoutMilliseconds = options.timeoutMilliseconds
    fallback = options.fallbackProtocol
  }

  /// The finest schema whose buckets are at least so much wider than the one before.
  static func schema(bucketFactor factor: Double) -> Int32 {
    let factor = factor <= 1 || factor.isNaN ? 1.00271 : factor
    let schema = (-Elementary.log2(Elementary.log2(factor))).rounded(.down)
    if schema >= Double(Histogram.schemaMaximum) { return Histogram.schemaMaximum }
    return schema <= Double(Histogram.schemaMinimum) ? Histogram.schemaMinimum : Int32(schema)
  }
}
