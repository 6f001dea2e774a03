/// A named thread that calls `body` once per interval of a clock, until it is stopped. Any thread may stop or hasten it.
/// A call that takes longer than the interval delays the next one; missed calls are not made up for.
package final class PeriodicTask: Sendable {
  private struct Orders: Sendable {
    var isStopping = false
    var runsNow = false
  }

  private enum Order { case stop, run }

  private let orders: Monitor<Orders>
  private let thread: NamedThread

  /// The first call comes after the first interval.
  package init(
    name: String, intervalMilliseconds: Int64, clock: any Clock = SystemClock(), _ body: @escaping @Sendable () -> Void
  ) throws(ThreadError) {
    precondition(intervalMilliseconds > 0, "an interval is longer than nothing")
    let orders = Monitor(Orders())
    let first = Deadline(milliseconds: intervalMilliseconds, of: clock)
    self.orders = orders
    self.thread = try NamedThread(name: name) {
      var next = first
      while Self.waitForOrder(orders, until: next) == .run {
        body()
        if next.isPassed { next = next.advanced(milliseconds: intervalMilliseconds) }
        if next.isPassed { next = Deadline(milliseconds: intervalMilliseconds, of: clock) }
      }
    }
  }

  /// The thread ends by itself after the call that runs.
  deinit { order { $0.isStopping = true } }

  /// Calls `body` without waiting for the interval's end. Several requests before the call are one.
  package func runNow() { order { $0.runsNow = true } }

  /// No call begins after this, and the one that runs has ended, unless it is that call which stops its own task.
  package func stop() {
    order { $0.isStopping = true }
    if !thread.isCurrent { thread.join() }
  }

  private func order(_ give: (inout Orders) -> Void) {
    orders.withLock(give)
    orders.wakeAll()
  }

  /// `.run` at the deadline too.
  private static func waitForOrder(_ orders: Monitor<Orders>, until deadline: Deadline) -> Order {
    let order = orders.wait(until: deadline) { orders -> Order? in
      if orders.isStopping { return .stop }
      guard orders.runsNow else { return nil }
      orders.runsNow = false
      return .run
    }
    return order ?? .run
  }
}
