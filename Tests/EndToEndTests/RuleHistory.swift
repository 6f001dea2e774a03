import TestKit

/// What rules made and sent over a whole test, without the moments: values in their order, each as long as it lasts one.
struct RuleHistory {
  /// By the labels of each series the values it had.
  var series: [String: [String]] = [:]
  /// By the labels of each alert what was posted of it: annotations, generator URL, firing or resolved.
  var posted: [String: [String]] = [:]
  /// By the labels of each alert what the real Alertmanager told its webhook.
  var told: [String: [String]] = [:]
  /// Moments that do not belong together, in words.
  var faults: Set<String> = []

  init(
    _ server: ServerProcess, posted: [AlertRecorder.Delivery], told: [AlertRecorder.Delivery]
  ) throws {
    let query = percentEncoded("\(RuleOutcome.made)[10m]")
    var firing: [String: Set<Int64>] = [:]
    for entry in try RuleOutcome.data(server, "/api/v1/query?query=\(query)")["result"].array ?? [] {
      let name = entry["metric"]["__name__"].string ?? ""
      if name.hasPrefix("cross") { continue }
      let points = (entry["values"].array ?? []) + (entry["histograms"].array ?? [])
      if name == "ALERTS", entry["metric"]["alertstate"].string == "firing" {
        let times = points.map { Int64((($0[0].number ?? 0) * 1000).rounded()) }
        firing[entry["metric"]["alertname"].string ?? "", default: []].formUnion(times)
      }
      let texts = points.map { name == "ALERTS_FOR_STATE" ? "a time" : ScrapeOutcome.valueText($0[1]) }
      series[ScrapeOutcome.text(entry["metric"])] = Self.runs(texts)
    }
    for delivery in posted {
      self.posted[delivery.labels, default: []].append(try text(of: delivery, firing: firing))
    }
    for delivery in told {
      let fields = ["status", "annotations", "generatorURL", "fingerprint"]
      let text = fields.map { ScrapeOutcome.text(delivery.alert[$0]) }.joined(separator: " ")
      self.told[delivery.labels, default: []].append(text)
    }
    self.posted = self.posted.mapValues(Self.runs)
    self.told = self.told.mapValues(Self.runs)
  }

  /// One posted alert. Its start is to be the first of its samples that fires, its end ahead by four resend delays.
  private mutating func text(
    of delivery: AlertRecorder.Delivery, firing: [String: Set<Int64>]
  ) throws -> String {
    let alert = delivery.alert
    guard let start = Self.milliseconds(alert["startsAt"].string), let end = Self.milliseconds(alert["endsAt"].string)
    else {
      faults.insert("no times with three digits: \(ScrapeOutcome.text(alert))")
      return ""
    }
    let isResolved = end <= delivery.arrivedAt
    let isBehind = delivery.name.hasPrefix("Behind")
    if firing[delivery.name]?.contains(isBehind ? start - 1000 : start) != true {
      faults.insert("\(delivery.labels) starts at \(start), where it has no sample")
    }
    // Four times the resend delay of two seconds from the round, which was a moment ago.
    if !isResolved, !(delivery.arrivedAt + 2000...delivery.arrivedAt + 8000).contains(end) {
      faults.insert("\(delivery.labels) of \(delivery.arrivedAt) ends at \(end)")
    }
    return "\(isResolved ? "resolved" : "firing") \(ScrapeOutcome.text(alert["annotations"])) "
      + ScrapeOutcome.text(alert["generatorURL"])
  }

  /// Values without those that repeat the one before.
  private static func runs(_ values: [String]) -> [String] {
    values.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  /// Milliseconds of `2026-01-02T03:04:05.678Z`.
  static func milliseconds(_ text: String?) -> Int64? {
    guard let text, let match = text.wholeMatch(of: /(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?Z/)
    else { return nil }
    // Zeros at the end of the fraction are not written.
    let fraction = String(match.7 ?? "").padded(to: 3)
    let numbers =
      [match.1, match.2, match.3, match.4, match.5, match.6].compactMap { Int64($0) } + [Int64(fraction) ?? 0]
    let year = numbers[1] <= 2 ? numbers[0] - 1 : numbers[0]
    let month = (numbers[1] + 9) % 12
    let dayOfEra = (year % 400) * 365 + (year % 400) / 4 - (year % 400) / 100 + (153 * month + 2) / 5 + numbers[2] - 1
    let days = (year / 400) * 146_097 + dayOfEra - 719_468
    return (((days * 24 + numbers[3]) * 60 + numbers[4]) * 60 + numbers[5]) * 1000 + numbers[6]
  }

  func differences(from peer: RuleHistory) -> [String] {
    func joined(_ lists: [String: [String]]) -> [String: String] {
      lists.mapValues { $0.joined(separator: "\n        ") }
    }
    return ScrapeOutcome.differences("history", joined(peer.series), joined(series))
      + ScrapeOutcome.differences("posted", joined(peer.posted), joined(posted))
      + ScrapeOutcome.differences("told", joined(peer.told), joined(told))
  }
}

extension String {
  /// The text with zeros behind it.
  fileprivate func padded(to count: Int) -> String { self + String(repeating: "0", count: max(0, count - self.count)) }
}
