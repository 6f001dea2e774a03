import Platform

/// An error that a `SimulatedDisk` gives on purpose.
package struct SimulatedFault: Sendable {
  /// What the disk is asked to do.
  package struct Call: Sendable {
    package var operation: DiskOperation
    /// As the caller wrote it.
    package var path: String
    /// Of the counted operations (see `DiskOperation`) the number; that of the last one before a call that is not counted.
    package var operationNumber: Int
    /// Of all calls.
    package var number: Int
  }

  /// The error number.
  var code: Int32
  /// How often, before the fault is over.
  var timesLeft: Int
  /// A write that fails leaves so many of its bytes behind.
  var writtenBytes: Int
  var hits: @Sendable (Call) -> Bool

  /// Hits the calls that `hits` says yes to.
  package init(code: Int32, times: Int = .max, writtenBytes: Int = 0, calls hits: @escaping @Sendable (Call) -> Bool) {
    self.code = code
    self.timesLeft = times
    self.writtenBytes = writtenBytes
    self.hits = hits
  }

  /// Hits the operations that `hits` says yes to; `path` is as the caller wrote it.
  package init(
    code: Int32, times: Int = .max, writtenBytes: Int = 0,
    where hits: @escaping @Sendable (_ operation: DiskOperation, _ path: String) -> Bool
  ) {
    self.init(code: code, times: times, writtenBytes: writtenBytes) { hits($0.operation, $0.path) }
  }

  /// Hits one counted operation: number 1 is the first that the disk sees.
  package init(code: Int32, operation number: Int, writtenBytes: Int = 0) {
    self.init(code: code, times: 1, writtenBytes: writtenBytes) {
      $0.operation.isCounted && $0.operationNumber == number
    }
  }
}
