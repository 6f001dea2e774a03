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
    let pieceBytes = 16 << 10
    while bytes.count < bytesMax {
      let offset = bytes.count
      guard let piece = try? SystemCalls.read(descriptor, pieceBytes, at: offset, path: path) else { return nil }
      bytes += piece
      if piece.count < pieceBytes { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
