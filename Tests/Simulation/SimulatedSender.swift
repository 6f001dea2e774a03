import Model
import Platform
import TestKit

/// A sender with its queue: it scrapes at its interval, sends when it can, keeps what was not acknowledged, and comes back
/// with a backlog. A plain value.
struct SimulatedSender {
  struct Body {
    var series: [(labels: Labels, samples: [(time: Int64, bits: UInt64)])]
    var message: [UInt8]
  }

  let name: String
  let seriesCount: Int
  /// The last scrape is sent again now and then, as senders do that saw no answer.
  var queue: [Body] = []
  var isOnline = true
  /// How far its clock is from the true one.
  var clockError: Int64 = 0
  /// Scrapes of one series that go into one body when there is a backlog.
  private static let scrapesPerBodyMax = 40
  static let bodiesMax = 20_000
  private var scrapes = 0

  init(name: String, seriesCount: Int) {
    self.name = name
    self.seriesCount = seriesCount
  }

  mutating func scrape(at time: Int64, _ numbers: inout RandomSource) {
    scrapes += 1
    var series: [(labels: Labels, samples: [(time: Int64, bits: UInt64)])] = []
    for number in 0..<seriesCount {
      let labels = Labels([("__name__", "m"), ("i", "\(number)"), ("sender", name)])
      let value: Double
      switch number % 3 {
      case 0: value = 7
      case 1: value = Double(scrapes)
      default: value = Double(numbers.below(1_000_000)) / 8
      }
      series.append((labels, [(time + clockError, value.bitPattern)]))
    }
    if queue.count < Self.bodiesMax { queue.append(Self.body(series)) }
  }

  static func body(_ series: [(labels: Labels, samples: [(time: Int64, bits: UInt64)])]) -> Body {
    var request = RemoteWriteBody()
    for one in series {
      request.add(
        one.labels.pairs.map { ($0.name, $0.value) },
        one.samples.map { (timestamp: $0.time, value: Double(bitPattern: $0.bits)) })
    }
    return Body(series: series, message: request.message)
  }

  /// The next body to send; of a long queue several scrapes at once.
  func next() -> (body: Body, scrapes: Int)? {
    guard let first = queue.first else { return nil }
    if queue.count < 8 { return (first, 1) }
    let part = queue.prefix(Self.scrapesPerBodyMax)
    var joined = first.series
    for later in part.dropFirst() {
      for place in joined.indices { joined[place].samples += later.series[place].samples }
    }
    return (Self.body(joined), part.count)
  }
}
