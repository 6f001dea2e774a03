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

  /// Names get their unit and type behind them.
  package var addsSuffixes = true
  /// Whatever is no letter, digit or underscore becomes an underscore.
  package var escapes = true
  /// Attributes of the resource that become labels of every series.
  package var promotion = Promotion.only([])
  /// `target_info` has `service.name` and its like, too.
  package var keepsIdentifyingAttributes = false
  /// Histograms with bounds become native ones with custom buckets.
  package var makesCustomBuckets = false
  /// Name, version, schema and attributes of the scope become labels.
  package var promotesScope = false
  /// A label that would begin with one underscore gets `key` before it.
  package var prefixesUnderscore = true
  package var keepsMultipleUnderscores = true
  package var deltas = Deltas.madeCumulative
  /// Of the queries: `target_info` is written often enough to be found by them.
  package var lookbackMilliseconds: Int64 = 300_000

  package init() {}

  /// False for a strategy of another name.
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
