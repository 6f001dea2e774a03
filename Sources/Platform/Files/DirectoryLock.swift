import Glibc
import Synchronization

/// The right to use a data directory, for one process at a time: a file `lock` in it, which is Prometheus's name and
/// place, so that neither program opens what the other has open.
///
/// Three proofs, since none holds everywhere. flock(2) on the file, as Prometheus does, keeps out everybody who shares a
/// kernel, or a network file system whose locks work. A `LockRecord` in the file names the owner, which is looked up
/// where it can be. Where it cannot (another host), and the file system may be shared, the owner makes its record beat,
/// and who wants the directory watches it for a while first.
///
/// A file left by a crash is taken over: by us when its owner is gone, by Prometheus because flock is free. Any thread may
/// call. Invariant: while held, the file under the name is the one that is open and locked here, with our record in it.
package final class DirectoryLock: Sendable {
  package static let fileName = "lock"

  package struct Timing: Sendable {
    package var beatMilliseconds: Int64
    /// Several beats: a slow network file system must not look like a dead owner.
    package var watchMilliseconds: Int64
    /// The time, after a takeover from an owner that could not be looked up, in which a rival may show itself.
    package var settleMilliseconds: Int64

    package init(beatMilliseconds: Int64 = 2000, watchMilliseconds: Int64 = 12_000, settleMilliseconds: Int64 = 1000) {
      self.beatMilliseconds = beatMilliseconds
      self.watchMilliseconds = watchMilliseconds
      self.settleMilliseconds = settleMilliseconds
    }
  }

  package let directory: String
  private let file: LockFile
  private let own: LockRecord
  private let beats: Mutex<(count: UInt64, isOver: Bool)> = Mutex((0, false))
  private let heartbeat: Mutex<PeriodicTask?> = Mutex(nil)

  /// Takes the directory, which exists, or says who has it. Blocks only where the owner cannot be looked up.
  /// `onLost` is called at most once, on a thread of its own, when somebody else took the directory: the process must stop
  /// writing to it.
  package convenience init(
    _ directory: String, clock: any Clock = SystemClock(), timing: Timing = Timing(),
    onLost: @escaping @Sendable (DirectoryLockError) -> Void
  ) throws(DirectoryLockError) {
    let isLocal: Bool
    do { isLocal = try FileSystemKind.isLocal(directory) } catch { throw .disk(error) }
    try self.init(directory, isLocal: isLocal, usesKernelLock: true, clock: clock, timing: timing, onLost: onLost)
  }

  /// Takes a folder of a directory whose lock this process holds. Another server is kept out by that one; this one is for
  /// programs of this machine that were given the folder itself. It costs no thread, no wait and no sync.
  package convenience init(inside directory: String) throws(DirectoryLockError) {
    try self.init(
      directory, isLocal: true, usesKernelLock: true, clock: SystemClock(), timing: Timing(), onLost: { _ in })
  }

  /// The abilities of the file system are handed in, so that tests have every kind.
  init(
    _ directory: String, isLocal: Bool, usesKernelLock: Bool, own: LockRecord = .current(), clock: any Clock,
    timing: Timing, onLost: @escaping @Sendable (DirectoryLockError) -> Void
  ) throws(DirectoryLockError) {
    self.directory = directory
    self.own = own
    do {
      self.file = try LockFile.open(DiskPath.join(directory, Self.fileName), usesKernelLock: usesKernelLock)
    } catch {
      switch error {
      case .locked(let owner): throw .held(directory: directory, owner: owner)
      case .disk(let error): throw .disk(error)
      }
    }
    do {
      let isCertain = try Self.decide(file, directory, own, isLocal, clock, timing)
      try Self.onDisk { () throws(DiskError) in try file.write(own.text, isDurable: !isLocal) }
      let hasRivals = !file.isNew && !(isCertain && file.hasKernelLock)
      if hasRivals { try Self.settle(file, directory, own, clock, timing) }
    } catch {
      file.close()
      throw error
    }
    if isLocal { return }
    do {
      let task = try PeriodicTask(name: "lock-beat", intervalMilliseconds: timing.beatMilliseconds, clock: clock) {
        [weak self] in
        if let error = self?.beat() { onLost(error) }
      }
      heartbeat.withLock { $0 = task }
    } catch {
      release()
      throw .thread(error)
    }
  }

  deinit { release() }

  /// Gives the directory back and removes the file; leaves it where somebody else took it over. Idempotent.
  package func release() {
    let task = heartbeat.withLock { $0.take() }
    task?.stop()
    let wasHeld = beats.withLock { beats in
      defer { beats.isOver = true }
      return !beats.isOver
    }
    if wasHeld && file.isUnderItsName && file.record()?.isSameProcess(as: own) == true { file.remove() }
    file.close()
  }

  // MARK: taking

  /// False when nobody could be asked and only silence speaks for taking it. Throws when it is held.
  private static func decide(
    _ file: LockFile, _ directory: String, _ own: LockRecord, _ isLocal: Bool, _ clock: any Clock, _ timing: Timing
  ) throws(DirectoryLockError) -> Bool {
    if file.isNew { return true }
    let before = file.text()
    let record = before.flatMap(LockRecord.init)
    let verdict = LockVerdict.of(
      record, seenBy: own, hasKernelLock: file.hasKernelLock, isLocal: isLocal, isAlive: \.isAlive)
    switch verdict {
    case .free: return true
    case .held: throw .held(directory: directory, owner: record?.ownerText(seenBy: own) ?? "another process")
    case .unknown: break
    }
    let end = Deadline(milliseconds: timing.watchMilliseconds, of: clock)
    while !end.isPassed {
      Deadline(milliseconds: timing.beatMilliseconds, of: clock).pause()
      if file.text() != before {
        let owner = file.record()?.ownerText(seenBy: own) ?? "another process"
        throw .held(directory: directory, owner: owner)
      }
    }
    return false
  }

  /// Two who took over at the same moment: the record that is left in the file decides.
  private static func settle(
    _ file: LockFile, _ directory: String, _ own: LockRecord, _ clock: any Clock, _ timing: Timing
  ) throws(DirectoryLockError) {
    Deadline(milliseconds: timing.settleMilliseconds, of: clock).pause()
    let record = file.record()
    if record?.isSameProcess(as: own) != true {
      throw .held(directory: directory, owner: record?.ownerText(seenBy: own) ?? "another process")
    }
  }

  private static func onDisk(_ body: () throws(DiskError) -> Void) throws(DirectoryLockError) {
    do { try body() } catch { throw .disk(error) }
  }

  // MARK: keeping

  /// Shows that this process lives. Gives an error, once, when the directory is somebody else's by now. A file that is
  /// not there, or a file system that does not answer, is no rival yet: the next beat looks again.
  func beat() -> DirectoryLockError? {
    beats.withLock { beats in
      if beats.isOver { return nil }
      guard let text = file.text() else { return nil }
      let record = LockRecord(text)
      if record?.isSameProcess(as: own) != true || !file.isUnderItsName {
        beats.isOver = true
        return .lost(directory: directory, owner: record?.ownerText(seenBy: own) ?? "another process")
      }
      beats.count += 1
      var next = own
      next.beat = beats.count
      // See above: a write that fails shows at the next beat or not at all.
      try? file.write(next.text)
      return nil
    }
  }
}
