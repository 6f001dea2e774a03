import Glibc

/// A file system in memory of a fixed size, mounted for one test, that can be filled and freed. One owner.
package final class SmallDisk {
  package static var canBeMade: Bool {
    do {
      _ = try SmallDisk(megabytes: 1)
      return true
    } catch {
      return false
    }
  }

  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  private let folder: TemporaryDirectory
  package var path: String { folder.path("disk") }
  private var filler: String { path + "/filler" }

  package init(megabytes: Int) throws {
    folder = try TemporaryDirectory("apus-disk")
    let path = try folder.makeFolder("disk")
    let mount = try ChildProcess("/bin/mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path])
    guard mount.wait(within: .seconds(20)) == .code(0) else {
      throw Failure(description: "cannot mount a tmpfs: \(mount.standardError.text)")
    }
  }

  deinit {
    // Lazily: a server may still be on its way out.
    _ = try? ChildProcess("/bin/umount", ["-l", path]).wait(within: .seconds(20))
  }

  /// Takes all that is free.
  package func fill() throws {
    let descriptor = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Failure(description: "cannot fill the disk") }
    defer { close(descriptor) }
    let bytes = [UInt8](repeating: 0xaa, count: 1 << 20)
    var size = bytes.count
    while size > 0 {
      if write(descriptor, bytes, size) <= 0 { size /= 2 }
    }
  }

  package func free() throws {
    guard unlink(filler) == 0 else { throw Failure(description: "cannot free the disk") }
  }
}
