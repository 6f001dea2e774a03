import Format
import HTTP
import Platform
import Workspaces

/// `GET /api/v1/status/usage`: the usage of a workspace by hours or days, and in all; with its cost where there are prices.
struct UsageEndpoint: Sendable {
  private static let dayHours: Int64 = 24
  /// The time before `to` that is told where `from` is not given.
  private static let hourlyMilliseconds: Int64 = 86_400_000
  private static let dailyMilliseconds: Int64 = 30 * 86_400_000

  let clock: any Clock
  let prices: @Sendable () -> UsagePrices

  func usage(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let parameters = Parameters(request: request)
    let isDaily = try isDaily(parameters.text("step"))
    // A bound far out is one that leaves nothing out.
    let to = UsageEndpoint.inRange(try parameters.bound("to", clock.nowMilliseconds() + 1))
    let span = isDaily ? UsageEndpoint.dailyMilliseconds : UsageEndpoint.hourlyMilliseconds
    let from = UsageEndpoint.inRange(try parameters.bound("from", to - span))
    guard from <= to else { throw .invalidParameter("to", "it is before from") }
    let stepHours = isDaily ? UsageEndpoint.dayHours : 1
    let first = UsageEndpoint.bucket(of: UsageHour.number(of: from), stepHours)
    let buckets = UsageEndpoint.buckets(workspace.usage.hours, stepHours).filter {
      $0.number >= first && $0.number * UsageHour.milliseconds < to
    }
    let prices = prices()
    return JSONAnswer.success { json in
      json.raw("{\"workspace\":")
      json.pageString(workspace.id)
      json.raw(",\"from\":\"\(UsageEndpoint.text(first))\",\"to\":\"\(TimeText.shortText(milliseconds: to))\"")
      json.raw(",\"step\":\"\(isDaily ? "day" : "hour")\"")
      if !prices.areNone { UsageEndpoint.write(prices, &json) }
      var total = UsageCounts()
      for bucket in buckets { total.add(bucket.counts) }
      json.raw(",\"total\":{")
      UsageEndpoint.write(total, prices, &json)
      json.raw("},\"buckets\":[")
      for (index, bucket) in buckets.enumerated() {
        json.raw(index == 0 ? "{\"start\":\"" : ",{\"start\":\"")
        json.raw(UsageEndpoint.text(bucket.number))
        json.raw("\",")
        UsageEndpoint.write(bucket.counts, prices, &json)
        json.raw("}")
      }
      json.raw("]}")
    }
  }

  private func isDaily(_ step: String) throws(APIError) -> Bool {
    switch step {
    case "", "hour": return false
    case "day": return true
    default: throw .invalidParameter("step", "it is hour or day")
    }
  }

  /// A time of four digits' years.
  private static func inRange(_ time: Int64) -> Int64 { min(max(time, 0), 253_402_300_799_999) }

  /// The first hour of the bucket that an hour lies in.
  private static func bucket(of hour: Int64, _ stepHours: Int64) -> Int64 { hour / stepHours * stepHours }

  /// The hours by buckets, each named by its first hour. Those in which there was nothing are left out.
  private static func buckets(_ hours: [UsageHour], _ stepHours: Int64) -> [UsageHour] {
    if stepHours == 1 { return hours }
    var buckets: [UsageHour] = []
    for hour in hours {
      let number = bucket(of: hour.number, stepHours)
      if buckets.last?.number != number { buckets.append(UsageHour(number: number)) }
      buckets[buckets.count - 1].counts.add(hour.counts)
    }
    return buckets
  }

  private static func text(_ hour: Int64) -> String { TimeText.shortText(milliseconds: hour * UsageHour.milliseconds) }

  // MARK: writing

  private static func write(_ prices: UsagePrices, _ json: inout JSONBuffer) {
    json.raw(",\"prices\":{\"ingestedSamplesPer10Million\":\(prices.ingestedSamplesPer10Million)")
    json.raw(",\"storedGBMonth\":\(prices.storedGBMonth)")
    json.raw(",\"querySamplesPerBillion\":\(prices.querySamplesPerBillion)}")
  }

  private static func write(_ counts: UsageCounts, _ prices: UsagePrices, _ json: inout JSONBuffer) {
    json.raw("\"ingestedSamples\":\(counts.ingestedSamples)")
    json.raw(",\"ingestedBySource\":{\"remoteWrite\":\(counts.remoteWriteSamples),\"otlp\":\(counts.otlpSamples)")
    json.raw(",\"scrape\":\(counts.scrapedSamples),\"rule\":\(counts.ruleSamples),\"marker\":\(counts.markerSamples)}")
    json.raw(",\"ownSamples\":\(counts.ownSamples),\"discardedSamples\":\(counts.discardedSamples)")
    json.raw(",\"activeSeriesMax\":\(counts.activeSeriesMax)")
    json.raw(",\"storedBytes\":\(Int64(min(counts.storedBytesMean.rounded(), 0x1p62)))")
    json.raw(",\"storedByteHours\":\(Int64(min((counts.storedByteSeconds / 3600).rounded(), 0x1p62)))")
    json.raw(",\"queries\":\(counts.queries),\"ruleQueries\":\(counts.ruleQueries)")
    json.raw(",\"querySamples\":\(counts.allQuerySamples)")
    json.raw(",\"querySamplesBy\":{\"client\":\(counts.querySamples),\"rule\":\(counts.ruleQuerySamples)}")
    if prices.areNone { return }
    let cost = prices.cost(of: counts)
    json.raw(",\"cost\":{\"ingestion\":\(cost.ingestion),\"storage\":\(cost.storage)")
    json.raw(",\"queries\":\(cost.queries),\"total\":\(cost.total)}")
  }
}
