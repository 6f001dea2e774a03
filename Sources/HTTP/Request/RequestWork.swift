import Synchronization

/// The work of answering a request. Written by whoever answers, read by anyone.
package struct RequestWork: ~Copyable {
  /// Samples read for it.
  package let samples = Atomic<Int>(0)
  /// Bytes of the answer before compression, of one that is written in pieces.
  package let bytes = Atomic<Int>(0)

  init() {}

  func reset() {
    samples.store(0, ordering: .relaxed)
    bytes.store(0, ordering: .relaxed)
  }
}
