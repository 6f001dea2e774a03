import Synchronization

/// The memory of one request's body. Owned by the request that took it from the pool.
final class BodyBuffer: @unchecked Sendable {
  var store = ByteStore()
}

/// Reusable body buffers, and the count of bytes of bodies in memory that bounds them. Any thread.
final class BodyPool: Sendable {
  /// Buffers kept for the next bodies, and the largest that is kept: what grew beyond is given back.
  private static let keptBuffersMax = 8
  private static let keptBufferBytesMax = 1024 * 1024

  private let kept = Mutex<[BodyBuffer]>([])
  private let inFlight = Atomic<Int>(0)
  let bytesMax: Int

  init(bytesMax: Int) { self.bytesMax = bytesMax }

  var inFlightBytes: Int { inFlight.load(ordering: .relaxed) }

  /// Counts bytes that are about to be held; false, and nothing counted, when they are too many.
  func reserve(_ bytes: Int) -> Bool {
    let total = inFlight.wrappingAdd(bytes, ordering: .relaxed).newValue
    if total <= bytesMax { return true }
    inFlight.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }

  func unreserve(_ bytes: Int) {
    if bytes != 0 { inFlight.wrappingSubtract(bytes, ordering: .relaxed) }
  }

  func take() -> BodyBuffer { kept.withLock { $0.popLast() } ?? BodyBuffer() }

  func give(_ buffer: BodyBuffer) {
    if buffer.store.capacity > Self.keptBufferBytesMax { return }
    buffer.store.removeAll()
    kept.withLock { if $0.count < Self.keptBuffersMax { $0.append(buffer) } }
  }
}
