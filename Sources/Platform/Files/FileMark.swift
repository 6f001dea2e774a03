import Glibc

/// The facts about a file that change when it is written or replaced, by way of a link too; and who may read it. A value.
package struct FileMark: Sendable, Equatable {
  private var device: UInt64
  private var inode: UInt64
  private var size: Int64
  private var modified: Int64
  private var changed: Int64
  /// The permissions alone: 0o600.
  package var mode: UInt32
  package var owner: UInt32

  /// Looks at the file that the path leads to.
  package init(of path: String) throws(DiskError) {
    let status = try SystemCalls.status(path)
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modified = FileMark.nanoseconds(status.st_mtim)
    changed = FileMark.nanoseconds(status.st_ctim)
    mode = UInt32(status.st_mode) & 0o7777
    owner = UInt32(status.st_uid)
  }

  /// True if nobody but its owner may read or write it, and the owner is this process's user or root.
  package var isPrivate: Bool { mode & 0o077 == 0 && (owner == UInt32(geteuid()) || owner == 0) }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
