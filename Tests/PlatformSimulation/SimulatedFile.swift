import Platform

/// An open file of a `SimulatedDisk`: a name for a node in one life of the disk. After a crash every call fails.
final class SimulatedFile: DiskFile, @unchecked Sendable {
  let path: String
  let isWritable: Bool
  /// The disk had crashed so often when the file was opened.
  let life: Int
  /// Touched only under the disk's mutex, like the variables below.
  let node: SimulatedNode
  var isOpen = true
  /// The error number of the sync that failed, 0 for none.
  var syncFailure: Int32 = 0
  private let disk: SimulatedDisk

  init(path: String, isWritable: Bool, life: Int, node: SimulatedNode, disk: SimulatedDisk) {
    self.path = path
    self.isWritable = isWritable
    self.life = life
    self.node = node
    self.disk = disk
  }

  deinit { disk.release(self) }

  func size() throws(DiskError) -> Int { try disk.size(of: self) }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
    try disk.read(self, into: buffer, at: offset)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    try disk.write(self, bytes, at: offset)
  }

  func truncate(to size: Int) throws(DiskError) { try disk.truncate(self, to: size) }
  func sync() throws(DiskError) { try disk.sync(self) }
  func close() throws(DiskError) { try disk.close(self) }
}
