import Discovery
import Model

/// From the labels that a discovery found to a target. Pure.
package enum TargetLabels {
  package enum Outcome: Sendable, Equatable {
    /// `labels` has `__address__`, `__scheme__` and the like still, without `__meta_`.
    case target(discovered: Labels, labels: Labels)
    case dropped(discovered: Labels)
    /// Only this target is not scraped.
    case fault(discovered: Labels, String)
  }

  static let address = "__address__"
  static let interval = "__scrape_interval__"
  static let timeout = "__scrape_timeout__"
  static let metricsPath = "__metrics_path__"
  static let scheme = "__scheme__"
  static let unixSocket = "__unix_socket__"
  static let convertsClassic = "__convert_classic_histograms_to_nhcb__"
  static let alwaysClassic = "__always_scrape_classic_histograms__"
  static let nativeHistograms = "__scrape_native_histograms__"
  static let parameterPrefix = "__param_"
  private static let metaPrefix = Array("__meta_".utf8)
  private static let reservedPrefix = Array("__".utf8)

  /// The outcome for a target of a group.
  package static func make(
    _ target: Labels, of group: TargetGroup, _ options: ScrapeOptions, _ relabelling: Relabelling
  ) -> Outcome {
    let discovered = discovered(target, of: group, options)
    var edits = LabelEdits(discovered)
    guard relabelling.apply(to: &edits) else { return .dropped(discovered: discovered) }
    if let fault = fault(edits) { return .fault(discovered: discovered, fault) }
    edits.removeAll { $0.name.starts(with: metaPrefix) }
    if edits.text(of: LabelName.instance).isEmpty {
      edits.set(Array(LabelName.instance.utf8), edits.value(of: Array(address.utf8)))
    }
    for label in edits.labels where !UTF8Text.isValid(label.value) {
      let name = String(decoding: label.name, as: UTF8.self)
      let value = String(decoding: label.value, as: UTF8.self)
      return .fault(discovered: discovered, "invalid label value for \(quoted(name)): \(quoted(value))")
    }
    return .target(discovered: discovered, labels: edits.result())
  }

  /// The labels before relabelling: those of the target, then of the group, then, where there are none, the job's.
  package static func discovered(_ target: Labels, of group: TargetGroup, _ options: ScrapeOptions) -> Labels {
    var labels = LabelsBuilder(target)
    for (name, value) in group.labels.pairs where !target.has(name) { labels.set(name, value) }
    var usual: [(String, String)] = [
      (LabelName.job, options.jobName),
      (interval, DurationText.format(options.intervalMilliseconds)),
      (timeout, DurationText.format(options.timeoutMilliseconds)),
      (metricsPath, options.metricsPath),
      (scheme, options.scheme),
      (convertsClassic, "\(options.convertsClassicHistograms)"),
      (alwaysClassic, "\(options.alwaysStoresClassicHistograms)"),
      (nativeHistograms, "\(options.storesNativeHistograms)"),
    ]
    for parameter in options.parameters {
      if let first = parameter.values.first { usual.append((parameterPrefix + parameter.name, first)) }
    }
    for (name, value) in usual where labels[name] == nil { labels.set(name, value) }
    return labels.labels()
  }

  /// The labels that series get.
  package static func publicLabels(_ labels: Labels) -> Labels {
    var builder = LabelsBuilder()
    for (name, value) in labels.pairs where !name.utf8.starts(with: reservedPrefix) { builder.set(name, value) }
    return builder.labels()
  }

  // MARK: Checks, in Prometheus's order and words

  private static func fault(_ labels: LabelEdits) -> String? {
    let address = labels.text(of: address)
    if address.isEmpty { return "no address" }
    if address.utf8.contains(UInt8(ascii: "/")) { return "\(quoted(address)) is not a valid hostname" }
    let interval = labels.text(of: interval)
    let timeout = labels.text(of: timeout)
    var milliseconds: [Int64] = []
    for (noun, text) in [("interval", interval), ("timeout", timeout)] {
      do throws(DurationText.Refusal) {
        let value = try DurationText.read(text)
        if value == 0 { return "scrape \(noun) cannot be 0" }
        milliseconds.append(value)
      } catch {
        return "error parsing scrape \(noun): \(error)"
      }
    }
    if milliseconds[1] > milliseconds[0] {
      return "scrape timeout cannot be greater than scrape interval (\(quoted(timeout)) > \(quoted(interval)))"
    }
    for (label, description) in [
      (convertsClassic, "convert classic histograms to nhcb"),
      (alwaysClassic, "always scrape classic histograms"),
      (nativeHistograms, "scrape native histograms"),
    ] {
      let text = labels.text(of: label)
      if !text.isEmpty && truth(text) == nil {
        return "error parsing \(description): strconv.ParseBool: parsing \(quoted(text)): invalid syntax"
      }
    }
    return nil
  }

  /// The truth that a text stands for; nil where it stands for none.
  static func truth(_ text: String) -> Bool? {
    switch text {
    case "1", "t", "T", "TRUE", "true", "True": true
    case "0", "f", "F", "FALSE", "false", "False": false
    default: nil
    }
  }
}

extension LabelEdits {
  fileprivate func text(of name: String) -> String {
    String(decoding: value(of: Array(name.utf8)), as: UTF8.self)
  }
}
