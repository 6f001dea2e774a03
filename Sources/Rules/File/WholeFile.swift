import Platform

/// The reason why a file was not read.
struct WholeFileError: Error, CustomStringConvertible {
  let description: String
}

/// A file that rules or their tests are read from, as a whole.
enum WholeFile {
  static func bytes(_ path: String, on disk: any Disk, bytesMax: Int) throws(WholeFileError) -> [UInt8] {
    var reason = "read \(path): is a directory"
    do throws(DiskError) {
      let status = try disk.status(path)
      if status.kind != .directory {
        if status.size <= bytesMax { return try disk.readFile(path) }
        reason = "the file is longer than \(bytesMax) bytes"
      }
    } catch {
      reason = "\(error)"
    }
    throw WholeFileError(description: reason)
  }
}
