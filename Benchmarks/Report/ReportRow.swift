/// What a figure has to reach: of Apus alone, or of its ratio to a peer. A plain value.
struct Bar: Sendable {
  enum Measure: Sendable, Equatable {
    case own
    case ratio(Contender)
  }

  var measure: Measure
  var isAtLeast: Bool
  var limit: Double

  static func atLeast(_ limit: Double, _ peer: Contender) -> Bar {
    Bar(measure: .ratio(peer), isAtLeast: true, limit: limit)
  }
  static func atMost(_ limit: Double, _ peer: Contender) -> Bar {
    Bar(measure: .ratio(peer), isAtLeast: false, limit: limit)
  }
  static func atMost(_ limit: Double) -> Bar { Bar(measure: .own, isAtLeast: false, limit: limit) }

  var text: String {
    let number = limit == limit.rounded() ? FigureTable.number(limit, 0) : FigureTable.number(limit, 2)
    let relation = isAtLeast ? ">=" : "<="
    return switch measure {
    case .own: "\(relation) \(number)"
    case .ratio(let peer): "\(relation) \(number) x \(peer.rawValue)"
    }
  }
}

/// One row of the report. A plain value.
struct ReportRow: Sendable {
  var id: String
  var name: String
  var digits: Int
  var figures: [Contender: Double] = [:]
  /// Where the ratio is not that of the figures: of a mix it is that of its queries.
  var ratios: [Contender: Double]?
  var bars: [Bar] = []
  /// Why there is no figure, or what it is not.
  var notes: [Contender?: String] = [:]

  init(_ id: String, _ name: String, _ digits: Int, _ bars: [Bar] = []) {
    self.id = id
    self.name = name
    self.digits = digits
    self.bars = bars
  }

  /// Apus's figure as a multiple of the peer's.
  func ratio(to peer: Contender) -> Double? {
    if let ratios { return ratios[peer] }
    guard let own = figures[.apus], let other = figures[peer], other != 0 else { return nil }
    return own / other
  }

  /// Nil where it was not measured.
  func isMet(_ bar: Bar) -> Bool? {
    let measured =
      switch bar.measure {
      case .own: figures[.apus]
      case .ratio(let peer): ratio(to: peer)
      }
    guard let measured, measured.isFinite else { return nil }
    return bar.isAtLeast ? measured >= bar.limit : measured <= bar.limit
  }

  /// `yes`, `no`, or both with what is missing.
  var verdict: String {
    let verdicts = bars.map { ($0, isMet($0)) }
    let failed = verdicts.filter { $0.1 == false }.map(\.0.text)
    if !failed.isEmpty { return failed.count == bars.count ? "no" : "no: " + failed.joined(separator: ", ") }
    let met = verdicts.filter { $0.1 == true }.map(\.0.text)
    if met.isEmpty { return "-" }
    return met.count == bars.count ? "yes" : "yes: " + met.joined(separator: ", ")
  }
}
