/// Prices of usage, in AWS's units and in any currency; 0: it costs nothing. A value.
package struct UsagePrices: Sendable, Equatable {
  package static let hoursPerMonth = 730.0
  package static let bytesPerGB = Double(1 << 30)

  package var ingestedSamplesPer10Million = 0.0
  package var storedGBMonth = 0.0
  package var querySamplesPerBillion = 0.0

  package init() {}

  /// True where nothing has a price.
  package var areNone: Bool { self == UsagePrices() }

  package struct Cost: Sendable, Equatable {
    package var ingestion: Double
    package var storage: Double
    package var queries: Double
    package var total: Double { ingestion + storage + queries }
  }

  package func cost(of counts: UsageCounts) -> Cost {
    let months = counts.storedByteSeconds / UsagePrices.bytesPerGB / 3600 / UsagePrices.hoursPerMonth
    return Cost(
      ingestion: Double(counts.ingestedSamples) / 1e7 * ingestedSamplesPer10Million, storage: months * storedGBMonth,
      queries: Double(counts.allQuerySamples) / 1e9 * querySamplesPerBillion)
  }
}
