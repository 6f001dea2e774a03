import Synchronization
import TestKit

/// The clients that must not notice a siege: a sender, a dashboard and a health check. What they saw, by phase of the run.
/// Any thread.
final class GoodClients: Sendable {
  /// One kind of client, and how long it waited for its answers.
  enum Kind: Int, CaseIterable {
    case sender, reader, health

    var name: String {
      switch self {
      case .sender: "remote write of 500 series"
      case .reader: "a dashboard's query"
      case .health: "/-/healthy on a new connection"
      }
    }
  }

  struct Seen {
    var milliseconds: [Double] = []
    var failures: [String] = []
    var waits: Waits { Waits(milliseconds: milliseconds.sorted()) }
  }

  enum Phase: Int, CaseIterable { case before, siege, after }

  static let seriesCount = 500
  private let port: UInt16
  private let phase = Atomic<Int>(0)
  private let isDone = Atomic<Bool>(false)
  private let seen = Mutex<[Seen]>(Array(repeating: Seen(), count: Kind.allCases.count * Phase.allCases.count))
  /// The bodies that were acknowledged, by their times.
  private let acknowledged = Mutex<[Int64]>([])

  init(port: UInt16) { self.port = port }

  func enter(_ phase: Phase) { self.phase.store(phase.rawValue, ordering: .relaxed) }
  func finish() { isDone.store(true, ordering: .releasing) }
  func what(_ kind: Kind, _ phase: Phase) -> Seen {
    seen.withLock { $0[phase.rawValue * Kind.allCases.count + kind.rawValue] }
  }
  var acknowledgedTimes: [Int64] { acknowledged.withLock { $0 } }

  /// Runs one client until the end.
  func run(_ kind: Kind) {
    var connection: Held?
    var number = 0
    while !isDone.load(ordering: .acquiring) {
      number += 1
      let start = ContinuousClock.now
      do {
        if kind == .health || connection == nil { connection = try Held(port, timeout: .seconds(20)) }
        guard let held = connection else { continue }
        switch kind {
        case .sender: try send(held)
        case .reader: try expect(200, held, "GET", "/api/v1/query?query=sum(rate(good%5B1m%5D))")
        case .health: try expect(200, held, "GET", "/-/healthy")
        }
        note(kind, (ContinuousClock.now - start).inSeconds * 1000, nil)
      } catch {
        connection = nil
        note(kind, (ContinuousClock.now - start).inSeconds * 1000, "\(error)")
      }
      sleepThread(.milliseconds(100))
    }
  }

  /// One sample of each series, at the present time.
  private func send(_ held: Held) throws {
    let time = nowMilliseconds()
    var body = RemoteWriteBody()
    for series in 0..<Self.seriesCount { body.add("good", ["i": "\(series)"], [(time, Double(time % 100_000))]) }
    let answer = try held.connection.exchange(
      "POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: body.snappy)
    guard answer.status / 100 == 2 else { throw Refusal(description: "\(answer.status): \(answer.text.prefix(120))") }
    acknowledged.withLock { $0.append(time) }
  }

  private func expect(_ status: Int, _ held: Held, _ method: String, _ target: String) throws {
    let answer = try held.connection.exchange(method, target)
    guard answer.status == status else { throw Refusal(description: "\(answer.status): \(answer.text.prefix(120))") }
  }

  private func note(_ kind: Kind, _ milliseconds: Double, _ failure: String?) {
    let place = phase.load(ordering: .relaxed) * Kind.allCases.count + kind.rawValue
    seen.withLock { all in
      all[place].milliseconds.append(milliseconds)
      if let failure { all[place].failures.append(failure) }
    }
  }

  struct Refusal: Error, CustomStringConvertible { var description: String }
}

/// A connection that can be kept in a collection. One thread's at a time.
final class Held: @unchecked Sendable {
  var connection: HTTPConnection
  init(_ port: UInt16, timeout: Duration) throws(HTTPFailure) {
    connection = try HTTPConnection(port: port, timeout: timeout)
  }
}
