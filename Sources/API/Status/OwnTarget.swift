import Synchronization

/// The target that no job names: this server itself. Any thread.
package final class OwnTarget: Sendable {
  package struct Facts: Sendable {
    package var instance: String
    package var intervalMilliseconds: Int64
    package var lastMilliseconds: Int64
    package var lastSeconds: Double
    /// Empty where all went well.
    package var lastError: String

    package init(
      instance: String, intervalMilliseconds: Int64, lastMilliseconds: Int64, lastSeconds: Double, lastError: String
    ) {
      self.instance = instance
      self.intervalMilliseconds = intervalMilliseconds
      self.lastMilliseconds = lastMilliseconds
      self.lastSeconds = lastSeconds
      self.lastError = lastError
    }
  }

  static let pool = "apus"

  private let facts = Mutex<Facts?>(nil)
  private let isCovered: @Sendable () -> Bool

  /// `isCovered`: a job scrapes this server, which is among its targets then.
  package init(isCovered: @escaping @Sendable () -> Bool = { false }) { self.isCovered = isCovered }

  /// Nil until the first round, and while it is covered.
  var current: Facts? { isCovered() ? nil : facts.withLock { $0 } }

  /// After each round of the self-scrape.
  package func note(_ facts: Facts) { self.facts.withLock { $0 = facts } }
}

extension OwnTarget.Facts {
  var labels: [(name: String, value: String)] { [("instance", instance), ("job", OwnTarget.pool)] }
}
