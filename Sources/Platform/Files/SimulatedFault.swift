/// An error that a `SimulatedDisk` gives on purpose.
package struct SimulatedFault: Sendable {
  /// The error number.
  var code: Int32
  /// How often, before the fault is over.
  var timesLeft: Int
  /// A write that fails leaves so many of its bytes behind.
  var writtenBytes: Int
  var hits: @Sendable (_ operation: DiskOperation, _ path: String, _ number: Int) -> Bool

  /// Hits the operations that `hits` says yes to; `path` is as the caller wrote it.
  package init(
    code: Int32, times: Int = .max, writtenBytes: Int = 0,
    where hits: @escaping @Sendable (_ operation: DiskOperation, _ path: String) -> Bool
  ) {
    self.code = code
    self.timesLeft = times
    self.writtenBytes = writtenBytes
    self.hits = { operation, path, _ in hits(operation, path) }
  }

  /// Hits one counted operation: number 1 is the first that the disk sees.
  package init(code: Int32, operation number: Int, writtenBytes: Int = 0) {
    self.code = code
    self.timesLeft = 1
    self.writtenBytes = writtenBytes
    self.hits = { operation, _, current in operation.isCounted && current == number }
  }
}
