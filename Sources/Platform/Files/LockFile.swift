import Glibc
import Synchronization

/// The open file of a `DirectoryLock`, with flock(2) on it where the file system has that.
final class LockFile: Sendable {
  enum OpenError: Error, CustomStringConvertible {
    case locked(owner: String)
    case disk(DiskError)

    var description: String {
      switch self {
      case .locked(let owner): "locked by \(owner)"
      case .disk(let error): error.description
      }
    }
  }

  /// Between opening and locking, an owner that ends may remove the file; then there is a new one to try.
  private static let attemptCountMax = 100

  let path: String
  /// No other process has seen the file without us.
  let isNew: Bool
  let hasKernelLock: Bool
  private let descriptor: Atomic<Int32>

  private init(path: String, isNew: Bool, hasKernelLock: Bool, descriptor: Int32) {
    self.path = path
    self.isNew = isNew
    self.hasKernelLock = hasKernelLock
    self.descriptor = Atomic(descriptor)
  }

  deinit { close() }

  static func open(_ path: String, usesKernelLock: Bool) throws(OpenError) -> LockFile {
    for _ in 0..<attemptCountMax {
      guard let (descriptor, isNew) = try openOrCreate(path) else { continue }
      let hasKernelLock: Bool
      do {
        hasKernelLock = usesKernelLock ? try lock(descriptor, path) : false
      } catch {
        try? SystemCalls.close(descriptor, path: path)
        throw error
      }
      let file = LockFile(path: path, isNew: isNew, hasKernelLock: hasKernelLock, descriptor: descriptor)
      if file.isUnderItsName { return file }
    }
    throw .disk(DiskError(operation: "lock", path: path, code: EBUSY))
  }

  /// Nil when the file went away in between.
  private static func openOrCreate(_ path: String) throws(OpenError) -> (descriptor: Int32, isNew: Bool)? {
    do {
      return (try SystemCalls.open(path, O_RDWR | O_CREAT | O_EXCL), true)
    } catch {
      if error.code != EEXIST { throw .disk(error) }
    }
    do {
      return (try SystemCalls.open(path, O_RDWR), false)
    } catch {
      if error.isNotFound { return nil }
      throw .disk(error)
    }
  }

  /// Locks the file; false where the file system has no such locks.
  private static func lock(_ descriptor: Int32, _ path: String) throws(OpenError) -> Bool {
    do {
      if try SystemCalls.lockExclusively(descriptor, path: path) { return true }
    } catch {
      switch error.code {
      case ENOLCK, EOPNOTSUPP, ENOSYS, EINVAL: return false
      default: throw .disk(error)
      }
    }
    throw .locked(owner: ownerText(descriptor, path))
  }

  /// The record may be an old one that Prometheus did not touch; the kernel knows better, if it may tell.
  private static func ownerText(_ descriptor: Int32, _ path: String) -> String {
    let own = LockRecord.current()
    let record = (try? text(path)).flatMap(LockRecord.init)
    if let record, record.boot != own.boot || record.namespace != own.namespace || record.isAlive {
      return record.ownerText(seenBy: own)
    }
    guard let status = try? SystemCalls.status(descriptor, path: path), let locks = ProcFile.text("/proc/locks"),
      let pid = KernelLocks.owner(device: UInt64(status.st_dev), inode: UInt64(status.st_ino), in: locks)
    else { return "another process" }
    let name = ProcFile.text("/proc/\(pid)/comm")?.prefix { $0 != "\n" } ?? "?"
    return "process \(pid) (\(name))"
  }

  // MARK: contents

  /// Read through the name: on NFS only a new open is sure to see what another host wrote. Nil when it cannot be read.
  func text() -> String? { try? Self.text(path) }

  func record() -> LockRecord? { text().flatMap(LockRecord.init) }

  private static func text(_ path: String) throws(DiskError) -> String {
    let descriptor = try SystemCalls.open(path, O_RDONLY)
    defer { try? SystemCalls.close(descriptor, path: path) }
    let bytes = try SystemCalls.read(descriptor, LockRecord.bytesMax, at: 0, path: path)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// One write, so that no reader sees a mixture; a longer old text is cut after it. Other machines see what is durable.
  func write(_ text: String, isDurable: Bool = true) throws(DiskError) {
    let open = descriptor.load(ordering: .relaxed)
    let bytes = Array(text.utf8)
    try SystemCalls.write(open, bytes, at: 0, path: path)
    try SystemCalls.truncate(open, to: bytes.count, path: path)
    if isDurable { try SystemCalls.sync(open, path: path) }
  }

  /// True if the name still leads to the file that is open here.
  var isUnderItsName: Bool {
    guard let named = try? SystemCalls.status(path),
      let open = try? SystemCalls.status(descriptor.load(ordering: .relaxed), path: path)
    else { return false }
    return named.st_ino == open.st_ino && named.st_dev == open.st_dev
  }

  // MARK: end

  func remove() {
    // One that stays is stale, and the next owner takes it over.
    try? SystemCalls.removeFile(path)
  }

  /// Gives flock back too. Idempotent.
  func close() {
    let open = descriptor.exchange(-1, ordering: .acquiringAndReleasing)
    if open >= 0 { try? SystemCalls.close(open, path: path) }
  }
}
