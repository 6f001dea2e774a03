import Synchronization

/// The phase of a connection within its request, with the time by which it must have left that phase, in one atomic word:
/// the
/// connection's thread moves it on, the watch thread may cut it when it is late, and exactly one of the two wins.
struct ConnectionPhase: ~Copyable {
  enum Phase: UInt64 {
    /// Between requests, or before the first one.
    case idle
    /// The request line came, the headers have not ended.
    case headers
    case body
    /// A handler runs on the connection's thread.
    case running
    /// Suspended; a worker has the request.
    case queued
    /// The answer is on its way.
    case sending
    /// The watch thread closed it.
    case cut
  }

  private static let phaseBits: UInt64 = 3
  /// The deadline of phases without one.
  static let noDeadline = Int64.max >> 3

  private let word: Atomic<UInt64>

  init(_ phase: Phase, deadlineMilliseconds: Int64) {
    word = Atomic(Self.word(phase, deadlineMilliseconds))
  }

  var phase: Phase { Self.phase(of: word.load(ordering: .sequentiallyConsistent)) }

  /// Moves on; false when the connection was cut meanwhile.
  func enter(_ phase: Phase, deadlineMilliseconds: Int64 = noDeadline) -> Bool {
    let next = Self.word(phase, deadlineMilliseconds)
    let current = word.load(ordering: .relaxed)
    if Self.phase(of: current) == .cut { return false }
    return word.compareExchange(expected: current, desired: next, ordering: .sequentiallyConsistent).exchanged
  }

  /// Cuts the connection when it is late; the phase it was late in.
  func cut(nowMilliseconds: Int64) -> Phase? {
    let current = word.load(ordering: .relaxed)
    if Int64(bitPattern: current >> Self.phaseBits) > nowMilliseconds { return nil }
    let phase = Self.phase(of: current)
    if phase == .cut { return nil }
    let next = Self.word(.cut, Self.noDeadline)
    guard word.compareExchange(expected: current, desired: next, ordering: .sequentiallyConsistent).exchanged else {
      return nil
    }
    return phase
  }

  /// A value that changes with every step.
  var mark: UInt64 { word.load(ordering: .relaxed) }

  /// Cuts the connection unless it made a step since `mark`, or is in a phase that ends by itself.
  func cutUnmoved(since mark: UInt64) -> Bool {
    switch Self.phase(of: mark) {
    case .running, .queued, .sending, .cut: return false
    case .idle, .headers, .body:
      let next = Self.word(.cut, Self.noDeadline)
      return word.compareExchange(expected: mark, desired: next, ordering: .sequentiallyConsistent).exchanged
    }
  }

  /// Cuts a connection whose answer is on its way.
  func cutSending() -> Bool {
    let current = word.load(ordering: .relaxed)
    if Self.phase(of: current) != .sending { return false }
    let next = Self.word(.cut, Self.noDeadline)
    return word.compareExchange(expected: current, desired: next, ordering: .sequentiallyConsistent).exchanged
  }

  /// True where `mark` is between requests, or within the headers of one.
  static func isWaiting(_ mark: UInt64) -> Bool { isIdle(mark) || phase(of: mark) == .headers }

  static func isIdle(_ mark: UInt64) -> Bool { phase(of: mark) == .idle }

  private static func word(_ phase: Phase, _ deadline: Int64) -> UInt64 {
    UInt64(bitPattern: deadline) << phaseBits | phase.rawValue
  }

  private static func phase(of word: UInt64) -> Phase { Phase(rawValue: word & 7) ?? .cut }
}
