import Format
import Synchronization
import TestKit

/// Clients with passwords, each on a connection of its own.
enum FloodClient {
  static let requestsPerSecond = 200
  private static let guessesPerSecond = 1_000

  /// What became of wrong passwords. A value.
  struct Counts: Sendable {
    var sent = 0
    var refused = 0
    var busy = 0
    var seconds = 0.0

    mutating func add(_ other: Counts) {
      sent += other.sent
      refused += other.refused
      busy += other.busy
      seconds += other.seconds
    }
  }

  /// Milliseconds from each request to its answer, the requests evenly spread.
  static func waits(_ port: UInt16, requests: Int) throws -> [Double] {
    var connection = try HTTPConnection(port: port)
    let start = ContinuousClock.now
    let headers = basic(GuardedServer.password)
    var waits: [Double] = []
    for number in 0..<requests {
      let due = start + .microseconds(number * 1_000_000 / requestsPerSecond)
      if ContinuousClock.now < due { sleepThread(due - .now) }
      let sent = ContinuousClock.now
      let answer = try connection.exchange("GET", "/api/v1/query?query=vector(1)", headers: headers)
      guard answer.status == 200 else {
        throw Trial.Failure(description: "a right password was answered \(answer.status): \(answer.text.prefix(300))")
      }
      waits.append((ContinuousClock.now - sent).inSeconds * 1000)
    }
    return waits
  }

  /// Wrong passwords, another one each time, until it is over.
  static func guess(_ port: UInt16, _ isOver: () -> Bool) -> Counts {
    var counts = Counts()
    let start = ContinuousClock.now
    do {
      var connection = try HTTPConnection(port: port)
      while !isOver() {
        let due = start + .microseconds(counts.sent * 1_000_000 / guessesPerSecond)
        if ContinuousClock.now < due { sleepThread(due - .now) }
        let answer = try connection.exchange(
          "GET", "/api/v1/query?query=vector(1)", headers: basic("guess \(counts.sent)"))
        if !answer.keepsAlive { connection = try HTTPConnection(port: port) }
        counts.sent += 1
        if answer.status == 401 { counts.refused += 1 }
        if answer.status == 429 { counts.busy += 1 }
      }
    } catch {
      report("a guesser ended: \(error)")
    }
    counts.seconds = (ContinuousClock.now - start).inSeconds
    return counts
  }

  private static func basic(_ password: String) -> [(String, String)] {
    [("Authorization", "Basic " + Base64.encode(Array("\(GuardedServer.user):\(password)".utf8)))]
  }
}

/// A thread that can be waited for.
final class FloodThread: Sendable {
  private let isDone = Mutex(false)

  init(_ body: @escaping @Sendable () -> Void) {
    startThread { [self] in
      body()
      isDone.withLock { $0 = true }
    }
  }

  func wait() { while !isDone.withLock({ $0 }) { sleepThread(.milliseconds(2)) } }
}
