import HTTP
import Platform
import Synchronization

/// Counts refusals and tells of them in the log: a wrong key loses data, and some senders try for ever while others drop.
/// Any thread.
package final class RefusalNotes: Sendable {
  private static let lineMilliseconds: Int64 = 60_000
  private static let placesMax = 1_000

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
  private let told = Mutex<[Place: Told]>([:])

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
    let address = request.peer?.host ?? ""
    let place = Place(reason: refusal.reason, who: who ?? address)
    let now = clock.monotonicNanoseconds() / 1_000_000
    let count: UInt64? = told.withLock { told in
      if told.count >= RefusalNotes.placesMax, told[place] == nil { told = told.filter { $0.value.next > now } }
      // So many at once: one line for all of them.
      let place =
        told.count >= RefusalNotes.placesMax && told[place] == nil ? Place(reason: place.reason, who: "") : place
      var entry = told[place] ?? Told(next: .min)
      entry.since += 1
      defer { told[place] = entry }
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
        "reason": refusal.reason.rawValue, "who": String((who ?? "").prefix(100)), "address": address,
        "route": request.routePattern ?? "", "status": "\(refusal.status)", "requests": "\(count)",
        "err": String(message.prefix(300)),
      ])
  }
}
