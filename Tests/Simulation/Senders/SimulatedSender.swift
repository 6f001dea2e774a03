import Model
import Platform
import TestKit

/// A sender with its queue: it scrapes at its interval, sends when it can, keeps what was not acknowledged, and comes back
/// with a backlog. A plain value.
struct SimulatedSender {
  /// What it sends, and how.
  enum Kind { case floats, histograms, pushes }

  typealias Series = [(labels: Labels, samples: [(time: Int64, bits: UInt64)])]

  struct Body {
    var kind = Kind.floats
    var series: Series
    var message: [UInt8]
  }

  let name: String
  let seriesCount: Int
  let kind: Kind
  /// The last scrape is sent again now and then, as senders do that saw no answer.
  var queue: [Body] = []
  var isOnline = true
  /// How far its clock is from the true one.
  var clockError: Int64 = 0
  /// Scrapes of one series that go into one body when there is a backlog.
  private static let scrapesPerBodyMax = 40
  static let bodiesMax = 20_000
  private var scrapes = 0

  init(name: String, seriesCount: Int, kind: Kind = .floats) {
    self.name = name
    self.seriesCount = seriesCount
    self.kind = kind
  }

  mutating func scrape(at time: Int64, _ numbers: inout RandomSource) {
    scrapes += 1
    var series: Series = []
    for number in 0..<seriesCount {
      let bits: UInt64
      switch (kind, number % 3) {
      case (.histograms, _): bits = SimulatedHistogram.observations(scrapes, number)
      case (_, 0): bits = 7.0.bitPattern
      case (_, 1): bits = Double(scrapes).bitPattern
      default: bits = (Double(numbers.below(1_000_000)) / 8).bitPattern
      }
      series.append((labels(number), [(time + clockError, bits)]))
    }
    if queue.count < Self.bodiesMax { queue.append(Self.body(series, kind)) }
  }

  /// Of what the server stores.
  func labels(_ number: Int) -> Labels {
    let metric =
      switch kind {
      case .floats: "m"
      case .histograms: "h"
      case .pushes: number % 3 == 1 ? "m_total" : "m"
      }
    return Labels([("__name__", metric), ("i", "\(number)"), ("sender", name)])
  }

  static func body(_ series: Series, _ kind: Kind = .floats) -> Body {
    if kind == .pushes { return Body(kind: kind, series: series, message: SimulatedPush.message(series)) }
    var request = RemoteWriteBody()
    for one in series {
      let labels = one.labels.pairs.map { ($0.name, $0.value) }
      if kind == .histograms {
        request.add(labels, histograms: one.samples.map { SimulatedHistogram.sent($0.bits, at: $0.time) })
      } else {
        request.add(labels, one.samples.map { (timestamp: $0.time, value: Double(bitPattern: $0.bits)) })
      }
    }
    return Body(kind: kind, series: series, message: request.message)
  }

  /// The next body to send; of a long queue several scrapes at once.
  func next() -> (body: Body, scrapes: Int)? {
    guard let first = queue.first else { return nil }
    if queue.count < 8 { return (first, 1) }
    let part = queue.prefix(Self.scrapesPerBodyMax)
    return (Self.body(Self.joined(part), kind), part.count)
  }

  static func joined(_ bodies: ArraySlice<Body>) -> Series {
    var joined = bodies.first?.series ?? []
    for later in bodies.dropFirst() {
      for place in joined.indices { joined[place].samples += later.series[place].samples }
    }
    return joined
  }
}
