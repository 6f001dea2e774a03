/// The failures of one receiver since it last took something. A value.
struct FailureStreak: Sendable, Equatable {
  /// News for the log: what lasts is told once.
  enum News: Sendable, Equatable {
    case none
    case failing(String)
    case delivering
  }

  /// Nothing delivered for so long is told.
  static let lateNanoseconds: Int64 = 60_000_000_000

  /// The last failure; empty where there is none.
  private(set) var text = ""
  /// The wall time of the first failed attempt.
  private(set) var sinceMilliseconds: Int64?
  private var sinceNanoseconds: Int64?
  private var isLateTold = false

  /// An attempt that began then has failed.
  mutating func failed(_ text: String, at nanoseconds: Int64, _ milliseconds: Int64) -> News {
    let isNews = text != self.text
    self.text = text
    if sinceNanoseconds == nil {
      sinceNanoseconds = nanoseconds
      sinceMilliseconds = milliseconds
    }
    return isNews ? .failing(text) : .none
  }

  /// The receiver is there and has refused something.
  mutating func refused(_ text: String) -> News {
    self = FailureStreak()
    self.text = text
    return .failing(text)
  }

  mutating func succeeded() -> News {
    defer { self = FailureStreak() }
    return sinceNanoseconds == nil ? .none : .delivering
  }

  /// The failure, if it is to be told now that nothing was delivered for a minute.
  mutating func tellLate(at nanoseconds: Int64) -> String? {
    guard let since = sinceNanoseconds, !isLateTold, nanoseconds - since >= Self.lateNanoseconds else { return nil }
    isLateTold = true
    return text
  }

  /// The turn in which that is to be told.
  var lateTurn: NotifyTurn {
    guard let since = sinceNanoseconds, !isLateTold else { return .idle }
    return .at(since + Self.lateNanoseconds)
  }
}
