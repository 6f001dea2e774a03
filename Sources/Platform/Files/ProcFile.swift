import Glibc

/// A file the kernel makes up when it is read: it has no size, so it is read until it ends.
enum ProcFile {
  /// More than any file read here holds.
  static let bytesMax = 1 << 20

  /// Nil when there is no such file or it cannot be read.
  static func text(_ path: String) -> String? {
    guard let descriptor = try? SystemCalls.open(path, O_RDONLY) else { return nil }
    defer { try? SystemCalls.close(descriptor, path: path) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count < bytesMax {
      let offset = bytes.count
      let count = chunk.withUnsafeMutableBytes { try? SystemCalls.read(descriptor, into: $0, at: offset, path: path) }
      guard let count else { return nil }
      bytes += chunk[..<count]
      if count < chunk.count { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
