import Synchronization

/// The source of random numbers: the system, or a seed that brings all of them back, so that what a simulated disk was
/// asked to do can be repeated. Any thread.
package final class RandomNumbers: RandomNumberGenerator, Sendable {
  /// Nil: the system's.
  private let seeded: Mutex<SeededNumbers?>

  /// The system's.
  package init() { seeded = Mutex(nil) }

  package init(seed: UInt64) { seeded = Mutex(SeededNumbers(seed: seed)) }

  package func next() -> UInt64 {
    seeded.withLock { numbers in
      if let number = numbers?.next() { return number }
      var system = SystemRandomNumberGenerator()
      return system.next()
    }
  }
}
