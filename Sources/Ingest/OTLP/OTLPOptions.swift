/// How OpenTelemetry's metrics become series: the section `otlp` of the configuration, and what flags add. A plain value.
package struct OTLPOptions: Sendable, Equatable {
  /// How the receiver stores deltas: points that say how much was added since the one before.
  package enum Deltas: Sendable, Equatable {
    /// The receiver adds them up, so that they become counters.
    case madeCumulative
    /// Stored as they are.
    case stored
  }

  package enum Promotion: Sendable, Equatable {
    case only(Set<String>)
    case allBut(Set<String>)
  }

  /// True if names get their unit and type as suffixes.
  package var addsSuffixes = true
  /// True if whatever is no letter, digit or underscore becomes an underscore.
  package var escapes = true
  /// Attributes of the resource that become labels of every series.
  package var promotion = Promotion.only([])
  /// True if `target_info` has `service.name` and its like, too.
  package var keepsIdentifyingAttributes = false
  /// True if histograms with bounds become native ones with custom buckets.
  package var makesCustomBuckets = false
  /// True if name, version, schema and attributes of the scope become labels.
  package var promotesScope = false
  /// True if a label that would begin with one underscore gets `key` before it.
  package var prefixesUnderscore = true
  package var keepsMultipleUnderscores = true
  package var deltas = Deltas.madeCumulative
  /// The lookback of queries: `target_info` gets samples often enough for queries to find it.
  package var lookbackMilliseconds: Int64 = 300_000

  package init() {}

  /// Sets `escapes` and `addsSuffixes` by the name of a strategy; false where no strategy has that name.
  package mutating func setStrategy(_ name: String) -> Bool {
    switch name {
    case "", "UnderscoreEscapingWithSuffixes": (escapes, addsSuffixes) = (true, true)
    case "UnderscoreEscapingWithoutSuffixes": (escapes, addsSuffixes) = (true, false)
    case "NoUTF8EscapingWithSuffixes": (escapes, addsSuffixes) = (false, true)
    case "NoTranslation": (escapes, addsSuffixes) = (false, false)
    default: return false
    }
    return true
  }
}
