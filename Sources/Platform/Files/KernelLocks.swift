import Glibc

/// The kernel's own list of file locks, /proc/locks:
///
///     1: FLOCK  ADVISORY  WRITE 4711 fe:00:131137 0 EOF
///
/// with the process and the file's device (hexadecimal) and number.
enum KernelLocks {
  /// The process that holds flock(2) on the file; nil when it is not one of ours to see.
  static func owner(device: UInt64, inode: UInt64, in text: String) -> Int32? {
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count >= 6, fields[1] == "FLOCK", let pid = Int32(fields[4]), pid > 0 else { continue }
      let file = fields[5].split(separator: ":")
      guard file.count == 3, let major = UInt64(file[0], radix: 16), let minor = UInt64(file[1], radix: 16) else {
        continue
      }
      if UInt64(file[2]) == inode && number(major, minor) == device { return pid }
    }
    return nil
  }

  /// A device number as stat(2) packs it.
  private static func number(_ major: UInt64, _ minor: UInt64) -> UInt64 {
    (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | (minor & 0xFF) | (minor & ~0xFF) << 12
  }
}
