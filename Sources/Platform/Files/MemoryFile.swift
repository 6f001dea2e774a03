import CShims
import Glibc
import Synchronization

/// Bytes that a library reads as a file, without a file system. They live as long as this object; its path is used once
/// in the life of the process, so that what is remembered by path is never about other bytes.
package final class MemoryFile: Sendable {
  private static let made = Atomic<UInt64>(0)

  package let path: String
  private let descriptor: Int32

  package init(_ bytes: [UInt8], name: String) throws(DiskError) {
    let descriptor = apus_memory_file(name)
    if descriptor < 0 { throw DiskError(operation: "memfd_create", path: name, code: errno) }
    self.descriptor = descriptor
    // Descriptors come again, so the number of the file is written into the path, a `/.` for each bit that is set.
    var number = Self.made.add(1, ordering: .relaxed).newValue
    var path = "/proc/self/fd"
    while number > 0 {
      path += number & 1 == 1 ? "/." : "/"
      number >>= 1
    }
    self.path = path + "/\(descriptor)"
    try SystemCalls.write(descriptor, bytes, at: 0, path: self.path)
  }

  deinit { Glibc.close(descriptor) }
}
