extension Disk {
  /// Reads all bytes of a file once. A sector that the disk cannot read is an error here; in a mapped file, touching it
  /// would be the end of the process.
  package func checkReadable(_ path: String) throws(DiskError) {
    let file = try open(path, .read)
    // Nothing was written that the close could fail to keep.
    defer { try? file.close() }
    var offset = 0
    while true {
      let count = try file.bytes(1 << 20, at: offset).count
      if count == 0 { return }
      offset += count
    }
  }
}
