/// Something refused (a sample, an exemplar, a body), as the answer, the log and the status page name it. Made only for
/// the few that they name.
struct Offender: Sendable, Equatable {
  var message: String
  /// The labels of the series as sent, shortened; empty where the refusal is of no series.
  var series = ""
  /// Timestamp of the refused sample or histogram, and value of a sample; nil for other refusals.
  var timestamp: Int64?
  var value: Double?
  /// The measured value and the limit for it; each nil where the refusal has none.
  var actual: Int?
  var limit: Int?
  /// The replica that sent it; nil where it came from none.
  var pair: HAPair?

  init(_ message: String, series: String = "", actual: Int? = nil, limit: Int? = nil) {
    self.message = message
    self.series = series
    self.actual = actual
    self.limit = limit
  }

  var text: String {
    let time = timestamp.map { ", timestamp \($0)" } ?? ""
    return message + time + (series.isEmpty ? "" : ", series \(series)")
  }
}

/// The refusals of one body: counts by reason, the first of each, and the first few by name.
struct Refusals {
  private static let namedMax = 5

  private(set) var countByReason: [String: Int] = [:]
  private(set) var firstByReason: [String: Offender] = [:]
  private(set) var named: [String] = []

  var isEmpty: Bool { countByReason.isEmpty }
  var total: Int { countByReason.values.reduce(0, +) }

  mutating func add(reason: String, samples: Int, _ describe: () -> Offender) {
    let isFirst = countByReason[reason] == nil
    countByReason[reason, default: 0] += samples
    guard isFirst || named.count < Refusals.namedMax else { return }
    let offender = describe()
    if isFirst { firstByReason[reason] = offender }
    if named.count < Refusals.namedMax { named.append(offender.text) }
  }

  /// Adds the refusals of a second half of the body.
  mutating func merge(_ other: Refusals) {
    for (reason, count) in other.countByReason { countByReason[reason, default: 0] += count }
    firstByReason.merge(other.firstByReason) { first, _ in first }
    named += other.named.prefix(max(0, Refusals.namedMax - named.count))
  }

  /// One line: the first refusals, then how many there were.
  func message(of sampleCount: Int) -> String {
    let reasons = countByReason.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    return named.joined(separator: "; ") + " (refused \(total) of \(sampleCount) samples; \(reasons))"
  }
}
