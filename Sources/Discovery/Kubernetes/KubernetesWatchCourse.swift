/// The course of one list and its watches: which request comes next, and after which pause. Pure; who makes the requests
/// tells how they went.
struct KubernetesWatchCourse: Equatable {
  /// Objects of one page of a list.
  static let pageObjects = 500
  static let pauseMillisecondsMin: Int64 = 800
  static let pauseMillisecondsMax: Int64 = 30_000
  /// A watch that ends sooner without a word has not worked.
  static let watchMillisecondsMin: Int64 = 1_000
  /// Seconds that the server is asked to keep a watch.
  static let watchSeconds: ClosedRange<Int> = 300...600

  enum Request: Equatable {
    /// A page of the list. `isFirst`: the list begins.
    case list(query: [(String, String)], isFirst: Bool)
    case watch(query: [(String, String)], seconds: Int)

    static func == (left: Request, right: Request) -> Bool { "\(left)" == "\(right)" }
  }

  enum Outcome: Equatable {
    /// A page has been read; `next`: there is a further one.
    case page(version: String, next: String)
    /// The watch has ended, in whichever way: its events are true.
    case watchEnded(version: String?, milliseconds: Int64)
    /// The version is too old (410).
    case expired
    /// The server has too much to do (429, with its wish), or cannot be reached.
    case busy(milliseconds: Int64?)
    case failed
  }

  /// The last version that was seen; nil: the objects have to be listed.
  private(set) var version: String?
  private var next = ""
  /// True if a list must be as new as what was seen before.
  private var isRelist = false
  private var pause = Self.pauseMillisecondsMin
  private var expiredCount = 0

  func request(seconds: Int) -> Request {
    if let version {
      return .watch(
        query: [
          ("watch", "1"), ("allowWatchBookmarks", "true"), ("resourceVersion", version),
          ("timeoutSeconds", String(seconds)),
        ], seconds: seconds)
    }
    var query = [("limit", String(Self.pageObjects))]
    if !next.isEmpty {
      query.append(("continue", next))
    } else if !isRelist {
      // Any state will do at first: the server need not ask its store.
      query.append(("resourceVersion", "0"))
    }
    return .list(query: query, isFirst: next.isEmpty)
  }

  /// Takes over how the last request went; returns the pause before the next. `random`: from 0 to 1.
  mutating func take(_ outcome: Outcome, random: Double) -> Int64 {
    switch outcome {
    case .page(let version, let next):
      self.next = next
      if next.isEmpty {
        self.version = version
        isRelist = true
      }
      pause = Self.pauseMillisecondsMin
      return 0
    case .watchEnded(let seen, let milliseconds):
      if let seen { version = seen }
      if seen == nil && milliseconds < Self.watchMillisecondsMin { return backOff(random) }
      expiredCount = 0
      pause = Self.pauseMillisecondsMin
      return 0
    case .expired:
      listAgain()
      expiredCount += 1
      return expiredCount > 1 ? backOff(random) : 0
    case .busy(let wished):
      return max(backOff(random), min(wished ?? 0, Self.pauseMillisecondsMax))
    case .failed:
      listAgain()
      return backOff(random)
    }
  }

  private mutating func listAgain() {
    version = nil
    next = ""
    isRelist = true
  }

  /// Each pause is up to twice as long as the one before; some chance keeps servers from asking all at once.
  private mutating func backOff(_ random: Double) -> Int64 {
    defer { pause = min(pause * 2, Self.pauseMillisecondsMax) }
    return min(Int64(Double(pause) * (1 + random)), Self.pauseMillisecondsMax)
  }
}
