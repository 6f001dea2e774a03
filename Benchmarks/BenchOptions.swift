import Glibc
import TestKit

/// The command line of a measurement: a plain value, checked once.
struct BenchOptions {
  struct Mistake: Error, CustomStringConvertible {
    var description: String
  }

  var command: String
  var contenders = Contender.allCases
  /// Nil means the command's own size.
  var series: Int?
  var scrapes: Int?
  var connections = 2
  var seriesPerBody = 2000
  var settleSeconds = 15.0
  var seed: UInt64 = 1
  var rounds = 50
  /// Of signed and flood: how often both ways are measured.
  var turns = 5
  var dataFolder: String?
  var apusFlags: [String] = []
  var victoriaFlags: [String] = []
  /// Rounds of a query, and how long each lasts at least.
  var queryRounds = 7
  var querySeconds = 0.2
  /// Makes the load that of the replicas of an HA pair.
  var replicas: [String] = []
  var mix = ValueMix.usual
  var churn = 0.0
  var jitterMilliseconds: Int64 = 0
  /// False where all are measured because none was named.
  private(set) var areContendersChosen = false
  /// Of the report.
  var size = ReportSize.full
  var onlyRows: Set<String> = []
  var jsonFile: String?
  /// Of siege, soak, scrape and rules: how long they last.
  var seconds: Int?
  /// Of scrape and rules: what is scraped, and how often.
  var targets: Int?
  var intervalSeconds: Int?
  /// Of rules: the groups, and the rules of each.
  var groups: Int?
  var rules: Int?
  /// Of soak: where its picture goes.
  var pictureFile: String?
  /// Of growth: the largest number of series.
  var seriesMax = 1_000_000

  init(_ arguments: [String]) throws(Mistake) {
    command = arguments.first ?? "help"
    var rest = arguments.dropFirst()
    while let option = rest.popFirst() {
      guard let value = rest.popFirst() else { throw Mistake(description: "\(option) needs a value") }
      switch option {
      case "--series": series = try Self.positive(value, option)
      case "--scrapes": scrapes = try Self.positive(value, option)
      case "--connections": connections = try Self.positive(value, option)
      case "--body": seriesPerBody = try Self.positive(value, option)
      case "--picture": pictureFile = value
      case "--seconds": seconds = try Self.positive(value, option)
      case "--targets": targets = try Self.positive(value, option)
      case "--groups": groups = try Self.positive(value, option)
      case "--rules": rules = try Self.positive(value, option)
      case "--interval": intervalSeconds = try Self.positive(value, option)
      case "--turns": turns = try Self.positive(value, option)
      case "--rounds": rounds = try Self.positive(value, option)
      case "--query-milliseconds": querySeconds = Double(try Self.positive(value, option)) / 1000
      case "--seed": seed = UInt64(try Self.positive(value, option))
      case "--settle":
        guard let seconds = Double(value), seconds >= 0, seconds <= 3600 else {
          throw Mistake(description: "\(option) '\(value)': expected 0 to 3600 seconds")
        }
        settleSeconds = seconds
      case "--only":
        contenders = []
        areContendersChosen = true
        for name in value.split(separator: ",") {
          guard let contender = Contender(rawValue: String(name)) else {
            throw Mistake(description: "\(option) '\(name)': expected apus, prometheus or victoria")
          }
          contenders.append(contender)
        }
      case "--replica": replicas = [value]
      case "--replicas":
        let count = try Self.positive(value, option)
        guard count <= Self.replicasMax else {
          throw Mistake(description: "\(option) \(count): at most \(Self.replicasMax)")
        }
        replicas = (0..<count).map { "replica-\($0)" }
      case "--mix":
        guard let mix = ValueMix(value) else {
          throw Mistake(
            description:
              "\(option) '\(value)': expected counters=30,bytes=15,decimals=15,constants=40, 100 in steps of 5")
        }
        self.mix = mix
      case "--churn":
        guard let share = Double(value), share >= 0, share <= 1 else {
          throw Mistake(description: "\(option) '\(value)': expected a share from 0 to 1")
        }
        churn = share
      case "--jitter": jitterMilliseconds = Int64(try Self.positive(value, option))
      case "--size":
        guard let size = ReportSize.named(value) else {
          throw Mistake(description: "\(option) '\(value)': expected tiny, small, medium or full")
        }
        self.size = size
      case "--only-rows":
        onlyRows = Set(value.split(separator: ",").map(String.init))
        if let unknown = onlyRows.first(where: { name in !ReportPart.allCases.contains { $0.has(name) } }) {
          throw Mistake(description: "\(option) '\(unknown)': expected some of \(ReportPart.allNames)")
        }
      case "--json": jsonFile = value
      case "--max": seriesMax = try Self.positive(value, option)
      case "--data": dataFolder = value
      case "--apus-flag": apusFlags.append(value)
      default: throw Mistake(description: "unknown option '\(option)'; see help")
      }
    }
  }

  private static func positive(_ text: String, _ option: String) throws(Mistake) -> Int {
    guard let number = Int(text), number > 0 else {
      throw Mistake(description: "\(option) '\(text)': expected a whole number above 0")
    }
    return number
  }

  private static let replicasMax = 8

  /// Samples that Apus stores of itself, at the time of the day, would make those of a load in the past too old.
  mutating func leaveOutOwnMetrics() {
    let flag = "--no-storage.own-metrics"
    if !apusFlags.contains(flag) { apusFlags.append(flag) }
  }

  /// Samples of so many scrapes up to a minute ago. Ends there, so that no server hides the last ones for being too fresh.
  func workload(series: Int, scrapes: Int, interval: Int64 = Workload.usualInterval) throws(Mistake) -> Workload {
    guard jitterMilliseconds * 4 < interval else {
      throw Mistake(
        description: "--jitter \(jitterMilliseconds): below a quarter of the \(interval) ms between scrapes")
    }
    let last = (nowMilliseconds() / 1000 - 60) * 1000
    var workload = Workload(
      series: series, scrapes: scrapes, seriesPerBody: seriesPerBody, seed: seed,
      firstTimestamp: last - Int64(scrapes - 1) * interval, intervalMilliseconds: interval)
    workload.replicas = replicas
    workload.mix = mix
    workload.churn = churn
    workload.jitterMilliseconds = jitterMilliseconds
    return workload
  }

  /// The load of the queries. Its last sample lies a minute in the past, so that no server hides it for being too fresh.
  func queryWorkload(series defaultSeries: Int, scrapes defaultScrapes: Int) -> QueryWorkload {
    QueryWorkload(
      series: series ?? defaultSeries, scrapes: scrapes ?? defaultScrapes, seed: seed,
      lastTimestamp: (nowMilliseconds() / 1000 - 60) * 1000)
  }

  /// The load of a command that has these sizes unless the command line says otherwise. Its first sample lies within the
  /// hour that every server appends in order.
  func workload(usualSeries: Int, usualScrapes: Int) throws(Mistake) -> Workload {
    let scrapes = self.scrapes ?? usualScrapes
    guard scrapes <= Workload.scrapesMax else {
      throw Mistake(description: "--scrapes \(scrapes): at most \(Workload.scrapesMax) fit into the last hour")
    }
    return try workload(series: series ?? usualSeries, scrapes: scrapes)
  }
}

/// Progress and mistakes go to standard error; standard output holds the tables alone.
func report(_ line: String) {
  var text = line + "\n"
  text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}
