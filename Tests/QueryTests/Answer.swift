import Platform

/// A value that one thread sets and another waits for. Any thread.
final class Answer: Sendable {
  private let value = Monitor<Double?>(nil)

  func set(_ found: Double) {
    value.withLock { $0 = found }
    value.wakeAll()
  }

  func wait() -> Double? { value.wait { $0 } }
}
