import Platform

/// The reason why a file was not read.
struct WholeFileError: Error, CustomStringConvertible {
  let description: String
}

/// A file that rules or their tests are read from, as a whole.
enum WholeFile {
  /// - Parameter takesPipes: false for a server, which a pipe without a writer would keep waiting, perhaps for ever.
  static func bytes(
    _ path: String, on disk: any Disk, bytesMax: Int, takesPipes: Bool
  ) throws(WholeFileError) -> [UInt8] {
    var reason = ""
    do throws(DiskError) {
      let status = try disk.status(path)
      switch status.kind {
      case .directory: reason = "read \(path): is a directory"
      case .other where !takesPipes: reason = "read \(path): is no regular file"
      case .other:
        // It has no size, and no places that could be read.
        do throws(StreamedFileError) {
          return try StreamedFile.bytes(path, bytesMax: bytesMax, within: nil)
        } catch {
          reason = "\(error)"
        }
      case .file:
        if status.size <= bytesMax { return try disk.readFile(path) }
        reason = "the file is longer than \(bytesMax) bytes"
      }
    } catch {
      reason = "\(error)"
    }
    throw WholeFileError(description: reason)
  }
}
