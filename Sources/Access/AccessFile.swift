import Platform

/// A file about access, read as a whole. Waits for the disk.
enum AccessFile {
  static func bytes(_ path: String, bytesMax: Int) throws(AccessFileError) -> [UInt8] {
    do throws(DiskError) {
      let disk = LinuxDisk()
      let status = try disk.status(path)
      if status.kind == .file, status.size <= bytesMax { return try disk.readFile(path) }
    } catch {
      throw AccessFileError("\(error)")
    }
    throw AccessFileError("\(path) is no file of at most \(bytesMax) bytes")
  }

  /// The same of a file that nobody but its owner may read.
  static func privateBytes(_ path: String, bytesMax: Int) throws(AccessFileError) -> [UInt8] {
    let isPrivate: Bool
    do throws(DiskError) {
      isPrivate = try FileMark(of: path).isPrivate
    } catch {
      throw AccessFileError("\(error)")
    }
    if !isPrivate {
      throw AccessFileError(
        "\(path) holds secrets and may be read by others than its owner: chmod 600, and the owner is the server's user")
    }
    return try bytes(path, bytesMax: bytesMax)
  }
}
