/// The usage of the last hours in which there was any, each hour once, in order. Most of it is held as the bytes that the file
/// has; the hours that may still grow are held as numbers. A value; an empty one holds nothing.
package struct UsageHistory: Sendable {
  /// 90 days of hours; when there are more, the first ones go. They are counted, not dated: no clock that is wrong takes
  /// hours away.
  package static let hoursMax = 90 * 24
  /// Hours that are held as numbers: the rest of them joins the packed ones.
  private static let openMax = 48

  /// The packed hours (`UsageFile`), without those of `open`.
  private var packed: [UInt8] = []
  private var packedCount = 0
  /// Sorted by number.
  private var open: [UsageHour] = []

  package init() {}

  /// - Parameter hours: sorted, each once.
  init(_ hours: [UsageHour]) {
    open = hours
    pack()
  }

  package var isEmpty: Bool { packedCount == 0 && open.isEmpty }

  /// All hours, in order.
  package var hours: [UsageHour] {
    if open.isEmpty { return UsageFile.unpack(packed, packedCount) }
    var merged = UsageFile.unpack(packed, packedCount)
    if let last = merged.last, let first = open.first, last.number >= first.number {
      // A clock was set back: the hour has two parts, or lies among the packed ones.
      for hour in open { UsageHistory.add(hour.counts, to: hour.number, in: &merged) }
      return merged
    }
    return merged + open
  }

  /// Adds usage to an hour.
  mutating func add(_ counts: UsageCounts, to number: Int64) {
    UsageHistory.add(counts, to: number, in: &open)
    if open.count > UsageHistory.openMax { pack() }
  }

  private static func add(_ counts: UsageCounts, to number: Int64, in hours: inout [UsageHour]) {
    var place = hours.count
    while place > 0, hours[place - 1].number > number { place -= 1 }
    if place > 0, hours[place - 1].number == number {
      hours[place - 1].counts.add(counts)
    } else {
      hours.insert(UsageHour(number: number, counts: counts), at: place)
    }
  }

  /// Packs all hours but the last day's.
  private mutating func pack() {
    let all = hours.suffix(UsageHistory.hoursMax)
    let past = all.dropLast(UsageHistory.openMax / 2)
    packed = UsageFile.pack(past)
    packedCount = past.count
    open = Array(all.suffix(UsageHistory.openMax / 2))
  }
}
