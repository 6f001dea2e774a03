import Glibc
import TestKit

/// The hot loops by themselves, on one thread and without a server: nanoseconds an item, and a hash of what came out, so that
/// a loop that got faster by doing something else is found out. Each round does all items; the quickest one says what the loop
/// can do, the median what the machine let it.
func runMicro(_ options: BenchOptions) throws {
  let series = options.series ?? 2000
  var table = [["loop", "item", "items", "ns / item, quickest", "ns / item, median", "hash"]]
  for loop in try microLoops(series: series, seed: options.seed) {
    report("micro: \(loop.name)")
    let result = try loop.run(rounds: options.rounds)
    table.append([
      loop.name, loop.item, FigureTable.number(Double(loop.items), 0), FigureTable.number(result.quickest, 2),
      FigureTable.number(result.median, 2), String(result.hash, radix: 16),
    ])
  }
  print("micro: \(series) series, \(options.rounds) rounds, seed \(options.seed)\n")
  print(markdownTable(table, left: [0, 1]))
}

/// One loop. Used by one thread.
struct MicroLoop {
  var name: String
  var item: String
  /// Of one round.
  var items: Int
  /// Untimed, before each round.
  var prepare: () throws -> Void = {}
  /// One round; gives the hash of what came out of it.
  var body: () throws -> UInt64

  func run(rounds: Int) throws -> (quickest: Double, median: Double, hash: UInt64) {
    var nanoseconds: [Double] = []
    var hash: UInt64 = 0
    for _ in 0..<rounds {
      try prepare()
      let start = ContinuousClock.now
      hash = try body()
      nanoseconds.append((ContinuousClock.now - start).inSeconds * 1e9 / Double(items))
    }
    return (nanoseconds.min() ?? .nan, median(nanoseconds), hash)
  }
}

/// Takes a number into a hash.
@inline(__always)
func mix(_ number: UInt64, into hash: inout UInt64) {
  hash = (hash ^ number) &* 0xff51_afd7_ed55_8ccd
  hash ^= hash &>> 32
}

private func microLoops(series: Int, seed: UInt64) throws -> [MicroLoop] {
  let columns = MicroColumns(seed: seed)
  return try bodyLoops(series: series, seed: seed) + chunkLoops(columns) + [rateLoop(columns)]
    + textLoops(columns, pods: series)
}

/// The start of all times, a whole minute.
let microStart: Int64 = 1_700_000_040_000

/// What some series of the usual mix look like over time. A plain value.
struct MicroColumns {
  static let seriesCount = 500
  static let samples = 120

  var times: [Int64] = []
  /// Of each series.
  var values: [[Double]]
  let workload: Workload

  init(seed: UInt64) {
    workload = Workload(
      series: Self.seriesCount, scrapes: Self.samples, seriesPerBody: Self.seriesCount, seed: seed,
      firstTimestamp: microStart)
    values = Array(repeating: [], count: Self.seriesCount)
    var moving = SeriesValues(0..<Self.seriesCount, workload)
    for scrape in 0..<Self.samples {
      moving.move()
      times.append(workload.timestamp(scrape: scrape))
      for (index, value) in moving.values.enumerated() { values[index].append(value) }
    }
  }
}
