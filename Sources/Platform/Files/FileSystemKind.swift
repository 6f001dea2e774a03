/// The kinds of file systems that belong to one machine at a time. Any other may be shared between machines (NFS, which
/// EFS is, SMB, FUSE, cluster file systems).
enum FileSystemKind {
  /// The magic numbers of statfs(2).
  private static let local: Set<Int> = [
    0xEF53,  // ext2, ext3, ext4
    0x5846_5342,  // xfs
    0x9123_683E,  // btrfs
    0x0102_1994,  // tmpfs
    0x8584_58F6,  // ramfs
    0x794C_7630,  // overlayfs
    0x2FC1_2FC1,  // zfs
    0xF2F5_2010,  // f2fs
    0xCA45_1A4E,  // bcachefs
  ]

  static func isLocal(_ directory: String) throws(DiskError) -> Bool {
    local.contains(try SystemCalls.fileSystemType(directory))
  }
}
