/// The moments at which changes may be told: the first at once, then further and further apart while they go on. A value.
struct UpdatePace: Sendable {
  static let pauseNanosecondsMin: Int64 = 100_000_000
  static let pauseNanosecondsMax: Int64 = 5_000_000_000

  /// The monotonic moment from which changes may be told again.
  private(set) var nextNanoseconds = Int64.min
  private var pauseNanoseconds = UpdatePace.pauseNanosecondsMin

  init() {}

  /// Changes were told now.
  mutating func told(at nanoseconds: Int64) {
    if nextNanoseconds != .min, nanoseconds - nextNanoseconds > UpdatePace.pauseNanosecondsMax { hasten() }
    nextNanoseconds = nanoseconds + pauseNanoseconds
    pauseNanoseconds = min(pauseNanoseconds * 3 / 2, UpdatePace.pauseNanosecondsMax)
  }

  /// The next changes are told at once.
  mutating func hasten() { self = UpdatePace() }
}
