/// The rate limit of a workspace: a bucket that fills at the configured rate, up to the burst. Owned by a mutex;
/// callers pass the time.
struct SampleRate: Sendable {
  /// Samples that the workspace may send now; below 0 after a body larger than what was left.
  private var available: Double = 0
  private var filledNanoseconds: UInt64?

  /// Takes the samples of a body, or returns the seconds after which it should come again. A full bucket takes a body
  /// larger than the burst, and the samples that follow wait for it: no other way could it come through, and some
  /// senders try for ever.
  mutating func take(_ samples: Int, _ limits: IngestLimits, now: UInt64) -> Int? {
    guard limits.samplesPerSecondMax > 0 else {
      filledNanoseconds = nil
      return nil
    }
    fill(limits, now)
    let needed = min(Double(samples), Double(limits.burst))
    if available >= needed {
      available -= Double(samples)
      return nil
    }
    let seconds = (needed - available) / Double(limits.samplesPerSecondMax)
    return max(1, Int(min(seconds.rounded(.up), 3600)))
  }

  /// Gives back samples that `take` took and that need not be stored.
  mutating func giveBack(_ samples: Int) { available += Double(samples) }

  private mutating func fill(_ limits: IngestLimits, _ now: UInt64) {
    let burst = Double(limits.burst)
    guard let filled = filledNanoseconds else {
      available = burst
      filledNanoseconds = now
      return
    }
    let seconds = now > filled ? Double(now - filled) / 1e9 : 0
    available = min(burst, available + seconds * Double(limits.samplesPerSecondMax))
    filledNanoseconds = max(now, filled)
  }
}

extension IngestLimits {
  /// Samples that may come at once.
  var burst: Int { samplesBurstMax > 0 ? samplesBurstMax : samplesPerSecondMax }
}
