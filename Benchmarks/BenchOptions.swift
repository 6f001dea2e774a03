#if canImport(Glibc)
  import Glibc
#endif
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
  var dataFolder: String?
  var apusFlags: [String] = []
  var victoriaFlags: [String] = []
  /// Rounds of a query, and how long each lasts at least.
  var queryRounds = 7
  var querySeconds = 0.2
  /// Makes the load that of one replica of an HA pair.
  var replica = ""

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
        for name in value.split(separator: ",") {
          guard let contender = Contender(rawValue: String(name)) else {
            throw Mistake(description: "\(option) '\(name)': expected apus, prometheus or victoria")
          }
          contenders.append(contender)
        }
      case "--replica": replica = value
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

  /// Samples of so many scrapes up to a minute ago.
  func workload(series: Int, scrapes: Int, interval: Int64) -> Workload {
    let last = (nowMilliseconds() / 1000 - 60) * 1000
    return Workload(
      series: series, scrapes: scrapes, seriesPerBody: seriesPerBody, seed: seed,
      firstTimestamp: last - Int64(scrapes - 1) * interval, intervalMilliseconds: interval)
  }

  /// The load of the queries. Its last sample lies a minute in the past, so that no server hides it for being too fresh.
  func queryWorkload(series defaultSeries: Int, scrapes defaultScrapes: Int) -> QueryWorkload {
    QueryWorkload(
      series: series ?? defaultSeries, scrapes: scrapes ?? defaultScrapes, seed: seed,
      lastTimestamp: (nowMilliseconds() / 1000 - 60) * 1000)
  }

  /// The load of a command that has these sizes unless the command line says otherwise. Its last sample lies a minute
  /// in the past, so that no server hides it from queries for being too fresh, and its first within the hour that
  /// every server appends in order.
  func workload(series defaultSeries: Int, scrapes defaultScrapes: Int) throws(Mistake) -> Workload {
    let scrapes = self.scrapes ?? defaultScrapes
    guard scrapes <= Workload.scrapesMax else {
      throw Mistake(description: "--scrapes \(scrapes): at most \(Workload.scrapesMax) fit into the last hour")
    }
    let lastTimestamp = (nowMilliseconds() / 1000 - 60) * 1000
    var workload = Workload(
      series: series ?? defaultSeries, scrapes: scrapes, seriesPerBody: seriesPerBody, seed: seed,
      firstTimestamp: lastTimestamp - Int64(scrapes - 1) * Workload.usualInterval)
    workload.replica = replica
    return workload
  }
}

/// Progress and mistakes go to standard error; standard output holds the tables alone.
func report(_ line: String) {
  var text = line + "\n"
  text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}
