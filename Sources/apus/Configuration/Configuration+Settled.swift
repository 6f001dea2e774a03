import Format
import Model
import Scrape

// What a key is when the file does not give it, or gives a zero: as in Prometheus, from the section `global`, and there from the
// built-in defaults. Done in the document, so that what is printed is what holds.
extension Configuration {
  /// A zero stands for the default, as in Prometheus, and a timeout that is not given is no longer than the interval.
  static func settleIntervals(_ document: inout SectionValue) {
    var global = document.section("global") ?? SectionValue(GlobalSettings.section.schema, at: document.position)
    let interval = positive(global.milliseconds("scrape_interval")) ?? GlobalSettings.scrapeIntervalDefault
    let isTimeoutGiven = global.isGiven("scrape_timeout") && positive(global.milliseconds("scrape_timeout")) != nil
    let values = [
      ("scrape_interval", interval),
      (
        "scrape_timeout",
        isTimeoutGiven
          ? global.milliseconds("scrape_timeout") ?? interval : min(GlobalSettings.scrapeTimeoutDefault, interval)
      ),
      (
        "evaluation_interval",
        positive(global.milliseconds("evaluation_interval")) ?? GlobalSettings.evaluationIntervalDefault
      ),
    ]
    for (name, milliseconds) in values { global.set(name, .milliseconds(milliseconds)) }
    document.set("global", .section(global))
  }

  /// Fills in what the scrape configs of a document inherit from `global`, which is settled. Adds what does not fit to `faults`.
  static func settleScrapes(
    _ document: inout SectionValue, _ global: SectionValue, _ faults: inout [ConfigurationFault]
  ) {
    let scrapes = document.sections("scrape_configs")
    if scrapes.isEmpty { return }
    let values: [ConfigurationValue] = scrapes.map { .section(settled($0, global, &faults)) }
    document.set("scrape_configs", .list(values), givenAt: document.given["scrape_configs"])
  }

  private static func settled(
    _ scrape: SectionValue, _ global: SectionValue, _ faults: inout [ConfigurationFault]
  ) -> SectionValue {
    var scrape = scrape
    let isTimeoutGiven = positive(scrape.milliseconds("scrape_timeout")) != nil
    for setting in ScrapeOptions.inherited where isOpen(scrape.values[setting.name]) {
      // Where classic histograms are not all there is, targets are asked for protobuf first.
      if setting.name == "scrape_protocols" { continue }
      if let value = global.values[setting.name] { scrape.inherit(setting.name, value) }
    }
    if isOpen(scrape.values["scrape_protocols"]) {
      let usual: [ScrapeProtocol] =
        scrape.boolean("scrape_native_histograms") == true ? [.protobuf] + ScrapeProtocol.usual : ScrapeProtocol.usual
      let inherited = global.isGiven("scrape_protocols") ? global.values["scrape_protocols"] : nil
      scrape.inherit("scrape_protocols", inherited ?? .list(usual.map { .text($0.rawValue) }))
    }
    let interval = scrape.milliseconds("scrape_interval") ?? GlobalSettings.scrapeIntervalDefault
    if let timeout = scrape.milliseconds("scrape_timeout"), timeout > interval {
      if isTimeoutGiven {
        let job = scrape.text("job_name") ?? ""
        faults.append(
          scrape.fault(
            RuleViolation(
              "scrape timeout greater than scrape interval for scrape config with job name \(quoted(job))",
              at: "scrape_timeout")))
      } else {
        scrape.inherit("scrape_timeout", .milliseconds(interval))
      }
    }
    return scrape
  }

  /// True for a value that leaves the choice to `global`: none, a zero, an empty text.
  private static func isOpen(_ value: ConfigurationValue?) -> Bool {
    switch value {
    case nil, .milliseconds(0), .bytes(0), .integer(0): true
    case .text(let text)?: text.isEmpty
    default: false
    }
  }

  /// A zero stands for the default, as in Prometheus.
  private static func positive(_ value: Int64?) -> Int64? { value.flatMap { $0 > 0 ? $0 : nil } }
}

extension SectionValue {
  /// Sets a value from elsewhere as if the section gave it.
  mutating func inherit(_ key: String, _ value: ConfigurationValue) { set(key, value, givenAt: position) }
}
