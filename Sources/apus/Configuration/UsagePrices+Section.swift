import Workspaces

extension UsagePrices {
  /// `apus.usage`.
  static let section = Section(
    "usage", UsagePrices(),
    [.section("prices", \.self, prices, help: "What usage costs; a price that is not given is 0.")])

  private static let priceRange = 0.0...1_000_000_000

  private static let prices = Section(
    "prices", UsagePrices(),
    [
      .number(
        "ingested_samples_per_10_million", \.ingestedSamplesPer10Million, in: priceRange,
        help: "Price of 10 million samples that were stored."),
      .number(
        "stored_gb_month", \.storedGBMonth, in: priceRange, help: "Price of 2^30 bytes that are stored for 730 hours."),
      .number(
        "query_samples_per_billion", \.querySamplesPerBillion, in: priceRange,
        help: "Price of a billion samples that queries and rules go through."),
    ])
}
