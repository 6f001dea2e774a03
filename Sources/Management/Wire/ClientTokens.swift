import Platform
import Synchronization

/// The answers of changes by the tokens of their clients, so that a call that is sent again is not done again. In memory,
/// bounded by number and time. Any thread.
package final class ClientTokens: Sendable {
  package static let entriesMax = 10_000
  package static let keptMilliseconds: Int64 = 3_600_000

  fileprivate struct Entry: Sendable {
    let fingerprint: String
    let until: Int64
    /// Nil while the change is under way.
    var answer: ManagementAnswer?
  }

  fileprivate struct State: Sendable {
    var entries: [String: Entry] = [:]
    /// Keys in the order in which they came.
    var order: [(key: String, until: Int64)] = []
    var first = 0
  }

  private let clock: any Clock
  private let state = Mutex(State())

  package init(clock: any Clock) { self.clock = clock }

  private enum Claim { case new, done(ManagementAnswer), underWay, other }

  /// Runs `body`, or gives the answer that it gave before for the same token and request.
  func answer(
    _ request: ManagementRequest, token: String,
    _ body: (ManagementRequest) throws(ManagementError) -> ManagementAnswer
  ) throws(ManagementError) -> ManagementAnswer {
    // Tokens of two callers are two tokens.
    let key = "\(request.caller?.name ?? "")\n\(token)"
    switch claim(key, request.fingerprint) {
    case .done(let answer): return answer
    case .new: break
    case .underWay: throw clash(request, "a request with this clientToken is under way")
    case .other: throw clash(request, "the clientToken was used for another request within the last hour")
    }
    do throws(ManagementError) {
      let answer = try body(request)
      state.withLock { $0.entries[key]?.answer = answer }
      return answer
    } catch {
      // What failed may be tried again.
      state.withLock { $0.entries[key] = nil }
      throw error
    }
  }

  private func clash(_ request: ManagementRequest, _ text: String) -> ManagementError {
    .conflict(text, id: request.part("workspaceId"))
  }

  private func claim(_ key: String, _ fingerprint: String) -> Claim {
    let now = clock.monotonicNanoseconds() / 1_000_000
    return state.withLock { state in
      state.forget(now: now)
      if let entry = state.entries[key] {
        if entry.fingerprint != fingerprint { return .other }
        return entry.answer.map { .done($0) } ?? .underWay
      }
      let until = now + ClientTokens.keptMilliseconds
      state.entries[key] = Entry(fingerprint: fingerprint, until: until)
      state.order.append((key, until))
      return .new
    }
  }
}

extension ClientTokens.State {
  /// Drops the oldest entries, as far as they are too old or too many.
  fileprivate mutating func forget(now: Int64) {
    while first < order.count, order[first].until <= now || order.count - first >= ClientTokens.entriesMax {
      // A key that failed and came again has a later entry, which stays.
      if entries[order[first].key]?.until == order[first].until { entries[order[first].key] = nil }
      first += 1
    }
    if first > ClientTokens.entriesMax {
      order.removeFirst(first)
      first = 0
    }
  }
}
