import Scrape

extension ScrapeServerOptions {
  /// The section `apus.scrape`.
  static let section = Section(
    "scrape", ScrapeServerOptions(),
    [
      .boolean(
        "first_scrape_at_once", \.firstScrapeAtOnce,
        help:
          "Scrape a new target at once, and from then on at its phase; false waits for the phase, as Prometheus does."),
      .boolean(
        "keep_valid", \.keepsValid,
        help:
          "Store what is valid of an answer and name what is not; false refuses the whole answer, as Prometheus does."),
      .size(
        "body_bytes_max", \.bodyBytesMax, help: "The unpacked answer of a target whose job has no `body_size_limit`."),
      .size(
        "bodies_bytes_max", \.bodiesBytesMax,
        help: "Answers of all targets that are in memory at once; further scrapes wait for room."),
      .duration(
        "stop_timeout", \.stopMillisecondsMax, help: "The longest wait for scrapes that run when the server stops."),
    ])
}
