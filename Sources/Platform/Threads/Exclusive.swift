import Synchronization

/// A value that goes from thread to thread and is used by one at a time: what a pool lends, or an answer that is written
/// piece by piece. A second use that begins before the first has ended is a bug of ours, and ends the process.
package final class Exclusive<Value>: @unchecked Sendable {
  private var value: Value
  private let isInUse = Atomic<Bool>(false)

  package init(_ value: sending Value) { self.value = value }

  package func use<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(!isInUse.exchange(true, ordering: .acquiring), "one thread at a time")
    defer { isInUse.store(false, ordering: .releasing) }
    return try body(&value)
  }
}
