import HTTP
import Platform
import Synchronization

/// Counts refusals and tells of them in the log: a wrong key loses data, and some senders try for ever while others drop.
/// Any thread.
package final class RefusalNotes: Sendable {
  private static let lineMilliseconds: Int64 = 60_000
  private static let placesMax = 1_000
  /// Places are looked through for old ones at most so often: names of keys cost those who make them up nothing.
  private static let sweepMilliseconds: Int64 = 1_000

  private struct Place: Hashable {
    var reason: AccessRefusal.Reason
    var who: String
  }

  private struct Told {
    var next: Int64
    var since: UInt64 = 0
  }

  private let clock: any Clock
  private let log: Log
  private let counters: [AccessRefusal.Reason: Counter]
  private struct State {
    var told: [Place: Told] = [:]
    var nextSweep = Int64.min
  }

  private let state = Mutex(State())

  init(clock: any Clock, log: Log, registry: MetricsRegistry) {
    self.clock = clock
    self.log = log
    var counters: [AccessRefusal.Reason: Counter] = [:]
    for reason in AccessRefusal.Reason.allCases {
      counters[reason] = registry.counter(
        "apus_access_refusals_total", "Requests that were refused because of who sent them.",
        labels: [("reason", reason.rawValue)])
    }
    self.counters = counters
  }

  /// - Parameter who: the key's id, the user or the principal, as far as it is known.
  func note(_ refusal: AccessRefusal, _ request: Request, who: String?) {
    counters[refusal.reason]?.add()
    let address = request.peer?.client ?? ""
    let place = Place(reason: refusal.reason, who: who ?? address)
    let now = clock.monotonicNanoseconds() / 1_000_000
    let count: UInt64? = state.withLock { state in
      var place = place
      if state.told.count >= RefusalNotes.placesMax, state.told[place] == nil {
        if now >= state.nextSweep {
          state.told = state.told.filter { $0.value.next > now }
          state.nextSweep = now + RefusalNotes.sweepMilliseconds
        }
        // So many at once: one line for all of them.
        if state.told.count >= RefusalNotes.placesMax { place.who = "" }
      }
      var entry = state.told[place] ?? Told(next: .min)
      entry.since += 1
      defer { state.told[place] = entry }
      if now < entry.next { return nil }
      defer { entry.since = 0 }
      entry.next = now + RefusalNotes.lineMilliseconds
      return entry.since
    }
    guard let count else { return }
    let message = refusal.message.prefix { $0 != "\n" }
    log.warn(
      "Requests are refused",
      [
        "reason": refusal.reason.rawValue, "who": String((who ?? "").prefix(100)), "address": request.peer?.host ?? "",
        "route": request.routePattern ?? "", "status": "\(refusal.status)", "requests": "\(count)",
        "err": String(message.prefix(300)),
      ])
  }
}
