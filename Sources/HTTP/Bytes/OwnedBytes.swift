import Glibc

/// Memory from `malloc` that is freed with its owner.
final class OwnedBytes: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(_ memory: UnsafeMutableRawBufferPointer) { bytes = UnsafeRawBufferPointer(memory) }

  deinit { UnsafeMutableRawPointer(mutating: bytes.baseAddress).map { free($0) } }
}
