import Platform

/// A file or directory of a `SimulatedDisk`: what programs see now, and what would be left after a power cut. Owned by the
/// disk's mutex.
final class SimulatedNode {
  /// A change of a file's bytes that no sync has made durable yet.
  enum Change {
    case write(offset: Int, bytes: [UInt8])
    case truncate(size: Int)
  }

  let kind: FileKind
  var modifiedMilliseconds: Int64

  // A file.
  var bytes: [UInt8] = []
  var durableBytes: [UInt8] = []
  /// In the order they were made.
  var changes: [Change] = []

  // A directory. Names are bytes here as on a real disk; strings with the same letters in other bytes would be equal.
  var entries: [[UInt8]: SimulatedNode] = [:]
  var durableEntries: [[UInt8]: SimulatedNode] = [:]

  /// Names in directories, and open files. At 0 the bytes of a file are free again.
  var nameCount = 0
  var openCount = 0

  init(kind: FileKind, modifiedMilliseconds: Int64) {
    self.kind = kind
    self.modifiedMilliseconds = modifiedMilliseconds
  }

  func make(_ change: Change) {
    Self.apply(change, to: &bytes)
    changes.append(change)
  }

  /// Not `durableBytes = bytes`: changes that a failed sync has forgotten never become durable.
  func sync() {
    for change in changes { Self.apply(change, to: &durableBytes) }
    changes.removeAll()
  }

  static func apply(_ change: Change, to bytes: inout [UInt8]) {
    switch change {
    case .write(let offset, let written):
      if written.isEmpty { return }
      grow(&bytes, to: offset + written.count)
      bytes.replaceSubrange(offset..<(offset + written.count), with: written)
    case .truncate(let size):
      grow(&bytes, to: size)
      bytes.removeLast(bytes.count - size)
    }
  }

  static func grow(_ bytes: inout [UInt8], to size: Int) {
    // An array of zeros is made at once, a repeated zero is appended one by one.
    if bytes.count < size { bytes += [UInt8](repeating: 0, count: size - bytes.count) }
  }
}
