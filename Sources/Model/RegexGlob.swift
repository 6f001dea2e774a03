import CShims

/// Literals with gaps: `prefix gap middle gap ... gap suffix`, at least one gap.
struct RegexGlob: Sendable, Equatable {
  var prefix: [UInt8] = []
  var middles: [[UInt8]] = []
  var suffix: [UInt8] = []
  /// The least length of each gap: 0 for `.*`, 1 for `.+`. One more than there are middles.
  var gaps: [Int] = []
}

// Globs laid out in raw memory for matching: it happens for every value of a label, where the reference counts of arrays
// would cost more than the comparisons. Immutable, for any thread.
final class RegexGlobProgram: @unchecked Sendable {
  private struct Part {
    var offset: Int
    var count: Int
    /// The least length of the gap before it.
    var gap: Int
  }

  private struct Plan {
    var prefix: Part
    var suffix: Part
    var firstMiddle: Int
    var lastMiddle: Int
    /// The sum of all literals and gaps.
    var lengthMin: Int
  }

  private let bytes: UnsafeMutableRawBufferPointer
  private let middles: UnsafeMutableBufferPointer<Part>
  private let plans: UnsafeMutableBufferPointer<Plan>

  init(_ globs: [RegexGlob]) {
    var bytes: [UInt8] = []
    var middles: [Part] = []
    var plans: [Plan] = []
    func part(_ text: [UInt8], gap: Int) -> Part {
      bytes += text
      return Part(offset: bytes.count - text.count, count: text.count, gap: gap)
    }
    for glob in globs {
      let first = middles.count
      for (middle, gap) in zip(glob.middles, glob.gaps) { middles.append(part(middle, gap: gap)) }
      let literals = glob.prefix.count + glob.suffix.count + glob.middles.reduce(0) { $0 + $1.count }
      plans.append(
        Plan(
          prefix: part(glob.prefix, gap: 0), suffix: part(glob.suffix, gap: glob.gaps.last ?? 0), firstMiddle: first,
          lastMiddle: middles.count, lengthMin: literals + glob.gaps.reduce(0, +)))
    }
    self.bytes = .allocate(byteCount: bytes.count, alignment: 1)
    self.bytes.copyBytes(from: bytes)
    self.middles = .allocate(capacity: middles.count)
    _ = self.middles.initialize(from: middles)
    self.plans = .allocate(capacity: plans.count)
    _ = self.plans.initialize(from: plans)
  }

  deinit {
    bytes.deallocate()
    middles.deallocate()
    plans.deallocate()
  }

  /// True if one of the globs matches the whole text.
  func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    for index in 0..<plans.count where matches(plans[index], text) { return true }
    return false
  }

  /// The leftmost place for each middle leaves the most room for the rest, so no choice is ever taken back. A literal is
  /// whole characters, so it can only be found where characters begin and end, and a gap of one byte holds one of them.
  @inline(__always) private func matches(_ plan: Plan, _ text: UnsafeRawBufferPointer) -> Bool {
    if text.count < plan.lengthMin { return false }
    // An empty text may have no address; nothing in this plan asks for one of its bytes.
    guard let base = text.baseAddress else { return true }
    var at = plan.prefix.count
    let end = text.count &- plan.suffix.count
    if !equalBytes(UnsafeRawBufferPointer(start: base, count: at), literal(plan.prefix)) { return false }
    if !equalBytes(UnsafeRawBufferPointer(start: base + end, count: plan.suffix.count), literal(plan.suffix)) {
      return false
    }
    for index in plan.firstMiddle..<plan.lastMiddle {
      let middle = middles[index]
      let from = at &+ middle.gap
      if from &+ middle.count > end { return false }
      guard let found = apus_find_bytes(base + from, end &- from, literal(middle).baseAddress, middle.count) else {
        return false
      }
      at = found - base + middle.count
    }
    return at &+ plan.suffix.gap <= end
  }

  @inline(__always) private func literal(_ part: Part) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + part.offset }, count: part.count)
  }
}
