import Model

/// The identity of a target within its job, and what its labels say of how it is scraped. A plain value.
struct TargetIdentity: Sendable, Equatable {
  /// All labels behind relabelling, `__address__` and the like among them.
  let labels: Labels
  let url: String
  /// The labels that its series get.
  let publicLabels: Labels
  let intervalMilliseconds: Int64
  let timeoutMilliseconds: Int64

  /// Targets with equal keys are one.
  struct Key: Hashable, Sendable {
    var labels: Labels
    var url: String
  }

  init(_ labels: Labels, _ options: ScrapeOptions) {
    self.labels = labels
    url = TargetURL.make(labels, options)
    publicLabels = TargetLabels.publicLabels(labels)
    func milliseconds(_ name: String, _ usual: Int64) -> Int64 {
      labels[name].flatMap { DurationText.parse($0) } ?? usual
    }
    intervalMilliseconds = milliseconds(TargetLabels.interval, options.intervalMilliseconds)
    timeoutMilliseconds = milliseconds(TargetLabels.timeout, options.timeoutMilliseconds)
  }

  var key: Key { Key(labels: labels, url: url) }

  /// Equal for a target before and after a change of nothing but its interval and timeout.
  var lastingKey: Key { Key(labels: labels.dropping(Self.timing), url: url) }

  private static let timing = LabelNameSet([TargetLabels.interval, TargetLabels.timeout])

  /// The same in every process and on every machine.
  var phaseHash: UInt64 {
    var hash = StableHash()
    hash.add(labels.dropping(Self.timing).packed)
    hash.add(Array(url.utf8))
    return hash.value
  }

  /// The job's options as they are for this target.
  func options(of job: ScrapeOptions) -> ScrapeOptions {
    var options = job
    options.intervalMilliseconds = intervalMilliseconds
    options.timeoutMilliseconds = timeoutMilliseconds
    func truth(_ name: String, _ usual: Bool) -> Bool { labels[name].flatMap(TargetLabels.truth) ?? usual }
    options.convertsClassicHistograms = truth(TargetLabels.convertsClassic, job.convertsClassicHistograms)
    options.alwaysStoresClassicHistograms = truth(TargetLabels.alwaysClassic, job.alwaysStoresClassicHistograms)
    options.storesNativeHistograms = truth(TargetLabels.nativeHistograms, job.storesNativeHistograms)
    return options
  }
}

/// FNV-1a with 64 bits.
struct StableHash {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: [UInt8]) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  /// Of the host and of the external labels, so that the two servers of a pair scrape at different times.
  static func seed(host: String, externalLabels: Labels) -> UInt64 {
    var hash = StableHash()
    hash.add(Array(host.utf8))
    hash.add(Array(externalLabels.description.utf8))
    return hash.value
  }
}
