/// The lengths that blocks grow through: each three times the one before. Immutable.
/// Invariant: at least one, rising; the first is the length of what the head writes.
package struct CompactionRanges: Sendable, Equatable {
  package static let shortestMilliseconds: Int64 = 2 * 3_600_000
  package static let longestMilliseconds: Int64 = 31 * 86_400_000
  private static let growth: Int64 = 3
  private static let countMax = 10

  package let milliseconds: [Int64]

  /// The lengths up to a tenth of the time that samples are kept (0: for ever), so that what expires leaves in small
  /// steps, and up to 31 days.
  package init(retentionMilliseconds: Int64) {
    let longest = CompactionRanges.longestMilliseconds
    self.init(
      shortest: CompactionRanges.shortestMilliseconds,
      longest: retentionMilliseconds > 0 ? min(longest, retentionMilliseconds / 10) : longest)
  }

  package init(shortest: Int64, longest: Int64) {
    precondition(shortest > 0, "a block has a length")
    var ranges = [shortest]
    while ranges.count < CompactionRanges.countMax {
      let (next, overflows) = ranges[ranges.count - 1].multipliedReportingOverflow(by: CompactionRanges.growth)
      if overflows || next > longest { break }
      ranges.append(next)
    }
    milliseconds = ranges
  }

  /// The start of the aligned range of that length which holds the time.
  package static func start(of time: Int64, range: Int64) -> Int64 {
    let remainder = time % range
    return time - (remainder < 0 ? remainder + range : remainder)
  }
}
