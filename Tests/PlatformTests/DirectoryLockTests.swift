import Glibc
import PlatformSimulation
import Synchronization
import Testing

@testable import Platform

@Suite struct DirectoryLockTests {
  private func lock(
    _ directory: TemporaryDirectory, isLocal: Bool = true, usesKernelLock: Bool = true, own: LockRecord = .current(),
    clock: any Clock = SimulatedClock(), onLost: @escaping @Sendable (DirectoryLockError) -> Void = { _ in }
  ) throws(DirectoryLockError) -> DirectoryLock {
    try DirectoryLock(
      directory.path, isLocal: isLocal, usesKernelLock: usesKernelLock, own: own, clock: clock,
      timing: DirectoryLock.Timing(beatMilliseconds: 10, watchMilliseconds: 100, settleMilliseconds: 5), onLost: onLost)
  }

  private func leave(_ text: String, in directory: TemporaryDirectory) throws {
    try AtomicReplace.write(Array(text.utf8), to: directory("lock"), on: LinuxDisk())
  }

  private func error(_ body: () throws(DirectoryLockError) -> Void) -> String {
    do {
      try body()
      return "none"
    } catch {
      return "\(error)"
    }
  }

  @Test("a directory has one owner, is named in the refusal, and is free after the release", arguments: [true, false])
  func oneOwner(usesKernelLock: Bool) throws {
    let directory = try TemporaryDirectory()
    let first = try lock(directory, usesKernelLock: usesKernelLock)
    let refusal = error { () throws(DirectoryLockError) in _ = try lock(directory, usesKernelLock: usesKernelLock) }
    #expect(refusal == "data directory \(directory.path) is in use by process \(getpid())")
    #expect(LinuxDisk().exists(directory("lock")))
    first.release()
    first.release()
    #expect(!LinuxDisk().exists(directory("lock")))
    let second = try lock(directory, usesKernelLock: usesKernelLock)
    #expect(LinuxDisk().exists(directory("lock")))
    second.release()
  }

  @Test("the public way in works on the machine's own file system") func realDirectory() throws {
    let directory = try TemporaryDirectory()
    let lock = try DirectoryLock(directory.path) { _ in }
    #expect(throws: DirectoryLockError.held(directory: directory.path, owner: "process \(getpid())")) {
      _ = try DirectoryLock(directory.path) { _ in }
    }
    lock.release()
    #expect(throws: DirectoryLockError.self) { _ = try DirectoryLock("/no/such/directory") { _ in } }
  }

  @Test("a lock that is dropped is given back") func dropped() throws {
    let directory = try TemporaryDirectory()
    for _ in 0..<3 { _ = try lock(directory) }
    #expect(!LinuxDisk().exists(directory("lock")))
  }

  @Test("a living process keeps its directory without flock, a dead one does not, nor one with its number")
  func processes() throws {
    let directory = try TemporaryDirectory()
    let owner = try ChildProcess(["/bin/sleep", "1000"])
    let record = try owner.record()
    try leave(record.text, in: directory)
    for usesKernelLock in [true, false] {
      let refusal = error { () throws(DirectoryLockError) in _ = try lock(directory, usesKernelLock: usesKernelLock) }
      #expect(refusal == "data directory \(directory.path) is in use by process \(owner.pid)")
    }
    #expect(try LinuxDisk().readFile(directory("lock")) == Array(record.text.utf8))
    // Another process that got the number later.
    var older = record
    older.startTicks -= 1
    try leave(older.text, in: directory)
    try lock(directory).release()
    try leave(record.text, in: directory)
    owner.end()
    try lock(directory).release()
    #expect(!LinuxDisk().exists(directory("lock")))
  }

  @Test("a process that ended but was not waited for yet is dead") func zombie() throws {
    let directory = try TemporaryDirectory()
    let owner = try ChildProcess(["/bin/true"])
    let record = try owner.record()
    var state = siginfo_t()
    waitid(P_PID, UInt32(owner.pid), &state, WEXITED | WNOWAIT)
    try leave(record.text, in: directory)
    try lock(directory).release()
    owner.end()
  }

  @Test("an empty file of Prometheus is refused while Prometheus holds it, and taken when it does not")
  func prometheus() throws {
    let directory = try TemporaryDirectory()
    try leave("", in: directory)
    let owner = try ChildProcess(["/usr/bin/flock", "--no-fork", directory("lock"), "/bin/sleep", "1000"])
    let status = try LinuxDisk().inode(directory("lock"))
    while KernelLocks.owner(device: status.device, inode: status.inode, in: ProcFile.text("/proc/locks") ?? "") == nil {
      sched_yield()
    }
    let refusal = error { () throws(DirectoryLockError) in _ = try lock(directory) }
    let isNamed = refusal.hasPrefix("data directory \(directory.path) is in use by process \(owner.pid) (")
    #expect(isNamed, "\(refusal)")
    #expect(try LinuxDisk().readFile(directory("lock")) == [])
    owner.end()
    try lock(directory).release()
  }

  @Test("what we hold or left behind, others may take by flock only when we do not hold it") func others() throws {
    let directory = try TemporaryDirectory()
    let held = try lock(directory)
    #expect(try takesWithFlock(directory("lock")) == false)
    held.release()
    try leave(LockRecord.current().text, in: directory)
    #expect(try takesWithFlock(directory("lock")))
  }

  private func takesWithFlock(_ path: String) throws -> Bool {
    let child = try ChildProcess(["/usr/bin/flock", "--nonblock", path, "/bin/true"])
    var status: Int32 = 0
    waitpid(child.pid, &status, 0)
    return status == 0
  }

  @Test("any remains of a record are taken over, and what is written is a record again") func remains() throws {
    let directory = try TemporaryDirectory()
    let text = LockRecord.current().text
    for count in 0..<text.utf8.count {
      try leave(String(decoding: text.utf8.prefix(count), as: UTF8.self), in: directory)
      let lock = try lock(directory)
      let written = String(decoding: try LinuxDisk().readFile(directory("lock")), as: UTF8.self)
      #expect(LockRecord(written) == .current())
      lock.release()
    }
    try leave(String(repeating: "x", count: 10_000), in: directory)
    try lock(directory).release()
  }

  @Test("an owner on another host is watched: one that beats keeps the directory, a silent one loses it")
  func otherHost() throws {
    for beats in [true, false] {
      let directory = try TemporaryDirectory()
      var owner = LockRecord.current()
      owner.boot = "another"
      owner.host = "elsewhere"
      try leave(owner.text, in: directory)
      let clock = SimulatedClock()
      let results = Lines()
      let thread = try NamedThread(name: "contender") {
        let result = error { () throws(DirectoryLockError) in
          try lock(directory, isLocal: false, clock: clock).release()
        }
        results.add(result)
      }
      // Ten looks at the file, and a pause for rivals.
      for step in 0..<11 where results.all.isEmpty {
        clock.waitForWaiters(1)
        if beats && step == 4 {
          owner.beat = 1
          try leave(owner.text, in: directory)
        }
        clock.advance(milliseconds: 10)
        if beats && step == 4 { break }
      }
      thread.join()
      let refusal = "data directory \(directory.path) is in use by process \(getpid()) on host elsewhere"
      #expect(results.all == [beats ? refusal : "none"])
      #expect(LinuxDisk().exists(directory("lock")) == beats)
    }
  }

  @Test("an owner that was taken over notices at its next beat, says so once, and leaves the file alone")
  func lost() throws {
    let directory = try TemporaryDirectory()
    let clock = SimulatedClock()
    let losses = BoundedQueue<DirectoryLockError>(limit: 10)
    let lock = try lock(directory, isLocal: false, clock: clock) { _ = losses.tryPush($0) }
    clock.waitForWaiters(1)
    clock.advance(milliseconds: 10)
    clock.waitForWaiters(1)
    while try LockRecord(String(decoding: LinuxDisk().readFile(directory("lock")), as: UTF8.self))?.beat != 1 {
      sched_yield()
    }
    var rival = LockRecord.current()
    rival.boot = "another"
    rival.host = "elsewhere"
    try leave(rival.text, in: directory)
    clock.advance(milliseconds: 10)
    let owner = "process \(getpid()) on host elsewhere"
    #expect(losses.pop() == .lost(directory: directory.path, owner: owner))
    #expect(lock.beat() == nil)
    lock.release()
    #expect(losses.count == 0)
    #expect(try LinuxDisk().readFile(directory("lock")) == Array(rival.text.utf8))
  }

  @Test("of those who take over a stale lock at the same moment without flock, one gets it") func rivals() throws {
    for _ in 0..<20 {
      let directory = try TemporaryDirectory()
      var dead = LockRecord.current()
      dead.startTicks += 1
      try leave(dead.text, in: directory)
      let clock = SimulatedClock()
      let (locks, refusals) = (Shared(Mutex<[DirectoryLock]>([])), Lines())
      let threads = try (1...3).map { index in
        try NamedThread(name: "rival-\(index)") {
          // Three processes that run: each as if it had another number.
          var own = LockRecord.current()
          own.beat = UInt64(index)
          own.startTicks = own.startTicks &- UInt64(index)
          do throws(DirectoryLockError) {
            let lock = try lock(directory, usesKernelLock: false, own: own, clock: clock)
            locks.value.withLock { $0.append(lock) }
          } catch {
            refusals.add("\(error)")
          }
        }
      }
      clock.waitForWaiters(3)
      clock.advance(milliseconds: 5)
      for thread in threads { thread.join() }
      #expect(locks.value.withLock { $0.count } == 1)
      #expect(refusals.all.count == 2)
    }
  }

  @Test("the verdict on a lock file, for every combination of what can be known") func verdicts() {
    let own = LockRecord(pid: 1, startTicks: 5, boot: "b", namespace: 7, host: "h", beat: 0)
    func verdict(_ boot: String, _ namespace: UInt64, _ hasKernelLock: Bool, _ isLocal: Bool, _ isAlive: Bool)
      -> LockVerdict
    {
      let record = LockRecord(pid: 2, startTicks: 6, boot: boot, namespace: namespace, host: "h", beat: 0)
      return .of(record, seenBy: own, hasKernelLock: hasKernelLock, isLocal: isLocal) { _ in isAlive }
    }
    for (hasKernelLock, isLocal, isAlive) in [false, true].flatMap({ a in
      [(a, false, false), (a, false, true), (a, true, false), (a, true, true)]
    }) {
      #expect(verdict("b", 7, hasKernelLock, isLocal, isAlive) == (isAlive ? .held : .free))
      #expect(verdict("b", 8, hasKernelLock, isLocal, isAlive) == (hasKernelLock ? .free : .unknown))
      #expect(verdict("c", 7, hasKernelLock, isLocal, isAlive) == (isLocal ? .free : .unknown))
      #expect(verdict("", 7, hasKernelLock, isLocal, isAlive) == (isLocal ? .free : .unknown))
      let empty = LockVerdict.of(nil, seenBy: own, hasKernelLock: hasKernelLock, isLocal: isLocal) { _ in isAlive }
      #expect(empty == (hasKernelLock ? .free : .unknown))
    }
  }

  @Test("a record reads back, and no change of one byte of it reads as the same owner unnoticed") func records() throws
  {
    let own = LockRecord.current()
    #expect(LockRecord(own.text) == own && own.isAlive)
    #expect(own.pid == getpid() && own.startTicks > 0 && own.boot.count == 36 && own.namespace > 0)
    let bytes = Array(own.text.utf8)
    for index in bytes.indices {
      for replacement in [0, 9, 10, 32, 45, 48, 57, 65, 255] as [UInt8] where replacement != bytes[index] {
        var changed = bytes
        changed[index] = replacement
        let record = LockRecord(String(decoding: changed, as: UTF8.self))
        #expect(record != own)
      }
    }
  }

  @Test("the kernel's list of locks names the holder of flock on that very file") func kernelLocks() {
    let text = """
      1: FLOCK  ADVISORY  WRITE 4711 fe:00:131137 0 EOF
      2: POSIX  ADVISORY  WRITE 4712 fe:00:131138 0 EOF
      2: -> FLOCK  ADVISORY  WRITE 4713 fe:00:131139 0 EOF
      3: FLOCK  ADVISORY  WRITE 0 fe:00:131140 0 EOF
      4: FLOCK  ADVISORY  WRITE 4714 103:1ff:7 0 EOF
      garbage
      """
    func owner(_ device: UInt64, _ inode: UInt64) -> Int32? {
      KernelLocks.owner(device: device, inode: inode, in: text)
    }
    #expect(owner(0xFE00, 131_137) == 4711)
    #expect(owner(0xFE01, 131_137) == nil)
    for inode in 131_138...131_140 as ClosedRange<UInt64> { #expect(owner(0xFE00, inode) == nil) }
    #expect(owner(0x11_03FF, 7) == 4714 && owner(0x10_03FF, 7) == nil)
  }
}

extension LinuxDisk {
  func exists(_ path: String) -> Bool { (try? status(path)) != nil }

  func inode(_ path: String) throws(DiskError) -> (device: UInt64, inode: UInt64) {
    let status = try SystemCalls.status(path)
    return (UInt64(status.st_dev), UInt64(status.st_ino))
  }
}
