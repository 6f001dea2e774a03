import Synchronization

/// The progress of a replay, for `/api/v1/status/walreplay`, and the damage it met. Written by the replay, read by any
/// thread.
package final class ReplayProgress: Sendable {
  private let numbers: Mutex<Numbers> = Mutex(Numbers())

  package struct Numbers: Sendable, Equatable {
    /// First and last segment to read, and the one that is being read.
    package var first = 0
    package var last = 0
    package var current = 0
    package var records = 0
    /// Records of a kind this version does not know; skipped.
    package var unknownRecords = 0
    /// Places that did not read as the format says.
    package var damages = 0
    /// Last records that a crash had cut; dropped.
    package var tornTails = 0
    /// Segments that were set aside and mended.
    package var quarantinedSegments = 0
    /// Segments that should be there and are not.
    package var missingSegments = 0

    package init() {}
  }

  package init() {}

  package var snapshot: Numbers { numbers.withLock { $0 } }

  func update(_ change: (inout Numbers) -> Void) { numbers.withLock { change(&$0) } }
}
