import Format

/// The outcome of one sample, from a closed set. Refusals carry Prometheus's wording, which clients look for.
package enum SampleOutcome: UInt8, Sendable, CaseIterable {
  /// Appended behind the series' last sample.
  case accepted
  /// The same time and the same bits are there already: success, nothing stored.
  case duplicate
  /// Late, within the window, stored.
  case late
  /// As `duplicate`, of a sample that came late: logged where late samples are.
  case lateDuplicate
  /// Another value at a time that has one.
  case conflict
  /// Late, and no window for late samples is configured.
  case outOfOrder
  /// Before the oldest time that can still be written.
  case outOfBounds
  /// Late, and older than the window.
  case tooOld
  /// More than the tolerance ahead of this server's clock.
  case tooFarInFuture
  /// The database refused for want of memory; the sender may try again.
  case exhausted
  /// Too late to be accepted, but exactly this sample is there already: success. Logged where late samples are, since
  /// whoever brought it first may have failed to log it.
  case present
  /// At or before the floor of its group, and not behind its series' last sample: success, nothing stored.
  case superseded

  /// True if the outcome is a success, of which the sender hears nothing.
  package var isStored: Bool {
    rawValue <= SampleOutcome.lateDuplicate.rawValue || self == .present || self == .superseded
  }
  /// True if the commit logs the sample among those in order.
  var isLoggedInOrder: Bool { self == .accepted || self == .duplicate }
  /// True if the commit logs the sample among the late ones.
  var isLoggedLate: Bool { self == .late || self == .lateDuplicate || self == .present }

  /// Prometheus's text for a refusal.
  package var message: String {
    switch self {
    case .accepted, .duplicate, .late, .lateDuplicate, .present, .superseded: ""
    case .conflict: "duplicate sample for timestamp"
    case .outOfOrder: "out of order sample"
    case .outOfBounds: "out of bounds"
    case .tooOld: "too old sample"
    case .tooFarInFuture: "out of bounds: more than 10m0s ahead of this server's clock"
    case .exhausted: "out of memory for samples"
    }
  }

  /// The value of the `reason` label under which refusals are counted.
  package var reason: String {
    switch self {
    case .accepted, .duplicate, .late, .lateDuplicate, .present, .superseded: ""
    case .conflict: "new-value-for-timestamp"
    case .outOfOrder: "sample-out-of-order"
    case .outOfBounds: "sample-out-of-bounds"
    case .tooOld: "sample-too-old"
    case .tooFarInFuture: "too_far_in_future"
    case .exhausted: "exhausted"
    }
  }
}

/// The times between which the head accepts samples, fixed for one body.
struct AppendBounds: BitwiseCopyable, Sendable {
  /// The head accepts no sample beyond these (73 million years either way), so that differences of times never
  /// overflow.
  static let timeMin = -timeMax
  /// Some years less than a block may reach to, which begins and ends at borders around its samples.
  static let timeMax = BlockMeta.timeMax - 1 << 40
  static let times = timeMin...timeMax

  /// In-order samples before this are late ones, or out of bounds.
  var inOrderOldest: Int64
  /// In-order samples before this are in blocks, or on their way there.
  var flushedBefore = Int64.min
  /// Late samples before this are too old.
  var lateOldest: Int64
  /// Samples after this are refused.
  var newest: Int64
  /// True if the head accepts late samples at all.
  var takesLate: Bool
  /// A sample up to this time that is not behind its series' last one is superseded.
  var supersededThrough = Int64.min

  @inline(__always)
  func isSuperseded(_ time: Int64) -> Bool { supersededThrough > .min && time <= supersededThrough }

  /// These bounds, with in-order samples accepted from `time` on only.
  @inline(__always)
  func inOrder(from time: Int64) -> AppendBounds {
    var bounds = self
    bounds.inOrderOldest = max(inOrderOldest, time)
    bounds.flushedBefore = time
    return bounds
  }
}
