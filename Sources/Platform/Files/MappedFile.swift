import Glibc

/// The bytes of a whole file, valid while the object lives. Immutable, so any thread may read it.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  package let bytes: UnsafeRawBufferPointer
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  /// Takes over `bytes`; `release` gives them back.
  package init(
    path: String, bytes: UnsafeRawBufferPointer, release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    self.path = path
    self.bytes = bytes
    self.release = release
  }

  deinit { release(bytes) }
}
