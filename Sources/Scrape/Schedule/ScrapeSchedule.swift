import Platform

/// A moment of both clocks.
struct ClockReading: Sendable, Equatable {
  var monotonicNanoseconds: Int64
  var wallMilliseconds: Int64

  init(monotonicNanoseconds: Int64, wallMilliseconds: Int64) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.wallMilliseconds = wallMilliseconds
  }

  init(_ clock: any Clock) {
    self.init(monotonicNanoseconds: clock.monotonicNanoseconds(), wallMilliseconds: clock.nowMilliseconds())
  }

  /// The wall clock at a moment of the monotonic one, as the two stand now.
  func wall(at monotonic: Int64) -> Int64 {
    wallMilliseconds + (monotonic - monotonicNanoseconds).roundedMilliseconds
  }
}

/// The moments at which a target is scraped. A plain value, pure.
///
/// Ticks lie on the monotonic clock, `interval` apart, at a phase of the wall clock as it was when the target came: a
/// wall clock that is set neither bunches scrapes nor stops them. Each tick has a time of the wall clock that samples are
/// stored at when the scrape begins punctually, so that stored times are exactly an interval apart.
struct ScrapeSchedule: Sendable, Equatable {
  /// A scrape that begins so much behind its tick, or a hundredth of the interval where that is less, is punctual.
  static let toleranceNanosecondsMax: Int64 = 2_000_000

  /// A scrape as it begins.
  struct Start: Sendable, Equatable {
    /// The wall clock's milliseconds that its samples are stored at.
    var milliseconds: Int64
    /// Ticks that passed without a scrape.
    var missedCount: Int
  }

  let interval: Int64
  /// Some tick of the phase.
  private var phase: Int64
  /// The moment of the next scrape.
  private(set) var next: Int64
  /// Wall minus monotonic clock, in milliseconds, when the stored times were last fitted to the wall clock.
  private var wallOffset: Int64
  private var lastMilliseconds = Int64.min

  /// A target that is new now. `delay`: its first scrape comes so much later, whatever its phase; nil: at its phase.
  init(intervalMilliseconds: Int64, hash: UInt64, now: ClockReading, firstDelay delay: Int64? = nil) {
    interval = intervalMilliseconds.nanoseconds
    let milliseconds = Int64(hash % UInt64(intervalMilliseconds))
    let wait = (milliseconds - now.wallMilliseconds).modulo(intervalMilliseconds)
    phase = now.monotonicNanoseconds + wait.nanoseconds
    wallOffset = Self.offset(now)
    next = phase
    guard let delay else { return }
    // A tick of the phase that is nearly there is as good.
    let first = now.monotonicNanoseconds + min(delay, interval)
    if phase > first + min(interval / 10, Self.nearNanosecondsMax) { next = first }
  }

  /// No first scrape is begun beside its phase's tick when that is so near.
  private static let nearNanosecondsMax: Int64 = 1_000_000_000

  /// Begins the scrape that is due.
  mutating func begin(_ now: ClockReading) -> Start {
    let monotonic = now.monotonicNanoseconds
    // The newest tick that has come; those between the one that was waited for and it are missed.
    let due = monotonic < phase ? next : max(next, phase + (monotonic - phase) / interval * interval)
    let missed = due > next ? Int((due - tick(after: next)) / interval) + 1 : 0
    let tolerance = min(interval / 100, Self.toleranceNanosecondsMax)
    // Both readings are cut to milliseconds, so they may differ by one without a step.
    let step = abs(Self.offset(now) - wallOffset)
    if step > 1 + tolerance / 1_000_000 { wallOffset = Self.offset(now) }
    let isPunctual = monotonic - due <= tolerance && isOfPhase(due)
    var milliseconds = isPunctual ? due.roundedMilliseconds + wallOffset : now.wallMilliseconds
    // Two scrapes of one millisecond would be two values for one time.
    if milliseconds <= lastMilliseconds && lastMilliseconds - milliseconds <= 1 + tolerance / 1_000_000 {
      milliseconds = lastMilliseconds + 1
    }
    lastMilliseconds = milliseconds
    next = tick(after: monotonic)
    return Start(milliseconds: milliseconds, missedCount: missed)
  }

  /// Passes over ticks up to now; returns how many.
  mutating func skip(_ now: ClockReading) -> Int {
    let before = next
    next = tick(after: now.monotonicNanoseconds)
    return max(1, Int((next - before) / interval))
  }

  /// The same target with another interval: a phase of it, beginning behind now.
  func changed(intervalMilliseconds: Int64, hash: UInt64, now: ClockReading) -> ScrapeSchedule {
    if intervalMilliseconds.nanoseconds == interval { return self }
    var changed = ScrapeSchedule(intervalMilliseconds: intervalMilliseconds, hash: hash, now: now)
    changed.lastMilliseconds = lastMilliseconds
    return changed
  }

  /// The first tick behind a moment.
  func tick(after moment: Int64) -> Int64 {
    moment < phase
      ? phase - (phase - moment - 1) / interval * interval : phase + ((moment - phase) / interval + 1) * interval
  }

  private func isOfPhase(_ moment: Int64) -> Bool { (moment - phase) % interval == 0 }

  private static func offset(_ now: ClockReading) -> Int64 {
    now.wallMilliseconds - now.monotonicNanoseconds.roundedMilliseconds
  }
}

extension Int64 {
  /// Milliseconds as nanoseconds; what is too long for the clock is its longest.
  var nanoseconds: Int64 {
    let (product, isTooLong) = multipliedReportingOverflow(by: 1_000_000)
    return isTooLong ? .max / 4 : product
  }

  /// Nanoseconds as milliseconds, to the nearest.
  var roundedMilliseconds: Int64 { (self + (self < 0 ? -500_000 : 500_000)) / 1_000_000 }

  /// The remainder that is not negative.
  fileprivate func modulo(_ divisor: Int64) -> Int64 {
    let rest = self % divisor
    return rest < 0 ? rest + divisor : rest
  }
}
