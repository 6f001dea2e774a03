import Model
import TestKit

/// Two replicas that scrape the same targets, each a little later than the other, and send what they scraped under one cluster
/// name. Each may die (it scrapes nothing meanwhile) or be cut off (it keeps what it scraped). A plain value.
struct SimulatedPair {
  struct Replica {
    let name: String
    /// How much before each step's moment it scrapes.
    let phase: Int64
    var isAlive = true
    var isOnline = true
    var queue: [SimulatedSender.Series] = []
  }

  static let seriesCount = 2
  static let bodiesMax = 2_000
  private static let scrapesPerBodyMax = 40

  let cluster: String
  var replicas: [Replica]

  init(cluster: String, _ numbers: inout RandomSource) {
    self.cluster = cluster
    // Never at the same millisecond: a sample's time says whose it is.
    let first = Int64(numbers.below(7_000))
    replicas = [
      Replica(name: "a", phase: first), Replica(name: "b", phase: first + 1 + Int64(numbers.below(7_000))),
    ]
  }

  /// As the server stores it: without the replica.
  func labels(_ number: Int) -> Labels { Labels([("__name__", "r"), ("cluster", cluster), ("i", "\(number)")]) }

  mutating func scrape(at now: Int64) {
    for place in replicas.indices where replicas[place].isAlive {
      let time = now - replicas[place].phase
      // A counter that is what it is whoever looks.
      let series = (0..<SimulatedPair.seriesCount).map { number in
        (
          labels: labels(number),
          samples: [(time: time, bits: (Double(time - World.epoch) * Double(number + 1)).bitPattern)]
        )
      }
      if replicas[place].queue.count < SimulatedPair.bodiesMax { replicas[place].queue.append(series) }
    }
  }

  /// The next body of a replica; of a long queue several scrapes at once.
  func next(of place: Int) -> (series: SimulatedSender.Series, scrapes: Int)? {
    let queue = replicas[place].queue
    guard let first = queue.first else { return nil }
    if queue.count < 8 { return (first, 1) }
    let part = queue.prefix(SimulatedPair.scrapesPerBodyMax)
    var joined = first
    for later in part.dropFirst() {
      for place in joined.indices { joined[place].samples += later[place].samples }
    }
    return (joined, part.count)
  }

  func message(_ series: SimulatedSender.Series, of place: Int) -> [UInt8] {
    var request = RemoteWriteBody()
    for one in series {
      let labels = [("__replica__", replicas[place].name)] + one.labels.pairs.map { ($0.name, $0.value) }
      let sorted = labels.sorted { $0.0 < $1.0 }
      request.add(sorted, one.samples.map { (timestamp: $0.time, value: Double(bitPattern: $0.bits)) })
    }
    return request.message
  }

  func replica(ofSampleAt time: Int64) -> Int? {
    replicas.firstIndex { (time + $0.phase - World.epoch) % World.stepMilliseconds == 0 }
  }
}
