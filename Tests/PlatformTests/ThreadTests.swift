import Glibc
import PlatformSimulation
import Synchronization
import Testing

@testable import Platform

@Suite struct NamedThreadTests {
  @Test("a thread has its name, cut to what Linux keeps, and can be joined twice")
  func names() throws {
    let names = Lines()
    for name in ["query-0", "a-name-longer-than-fifteen-bytes"] {
      let thread = try NamedThread(name: name, stackBytes: 1 << 20) {
        names.add(ProcFile.text("/proc/thread-self/comm") ?? "?")
      }
      thread.join()
      thread.join()
      #expect(!thread.isCurrent)
    }
    #expect(names.all == ["query-0\n", "a-name-longer-t\n"])
  }

  @Test("a thread with a large stack may go deep")
  func stack() throws {
    let depth = Shared(Atomic<Int>(0))
    try NamedThread(name: "stack", stackBytes: 64 << 20) {
      depth.value.store(descend(20_000), ordering: .relaxed)
    }.join()
    let reached = depth.value.load(ordering: .relaxed)
    #expect(reached == 20_000)
  }

  @Test("an impossible stack is an error, not a crash")
  func refused() {
    #expect(throws: ThreadError(name: "x", code: EINVAL)) { try NamedThread(name: "x", stackBytes: 1) {} }
    #expect(throws: ThreadError.self) { try NamedThread(name: "x", stackBytes: 1 << 50) {} }
  }

  @Test("what a thread was given is released when it ends, joined or not")
  func released() throws {
    let (ends, isGone) = (BoundedQueue<Int>(limit: 1), Shared(Atomic<Bool>(false)))
    do {
      let token = Token { isGone.value.store(true, ordering: .releasing) }
      let thread = try NamedThread(name: "token") { withExtendedLifetime(token) { _ = ends.pop() } }
      let isGoneEarly = isGone.value.load(ordering: .acquiring)
      #expect(!isGoneEarly)
      ends.close()
      thread.join()
    }
    let isGoneAtLast = isGone.value.load(ordering: .acquiring)
    #expect(isGoneAtLast)
  }
}

/// Takes about a kilobyte of stack per level.
private func descend(_ levels: Int) -> Int {
  withUnsafeTemporaryAllocation(byteCount: 1000, alignment: 8) { buffer in
    buffer.initializeMemory(as: UInt8.self, repeating: 1)
    return levels == 0 ? 0 : descend(levels - 1) + Int(buffer[0])
  }
}

private final class Token: Sendable {
  let gone: @Sendable () -> Void
  init(_ gone: @escaping @Sendable () -> Void) { self.gone = gone }
  deinit { gone() }
}

@Suite struct WorkerPoolTests {
  @Test("every accepted task runs once, on the pool's threads, also those queued when it stops")
  func runs() throws {
    let pool = try WorkerPool(name: "test", threadCount: 3, queueLimit: 50)
    let names = Lines()
    var accepted = 0
    for _ in 0..<2000 {
      if pool.submit({ names.add(ProcFile.text("/proc/thread-self/comm") ?? "?") }) { accepted += 1 }
    }
    pool.stop()
    #expect(names.all.count == accepted && accepted >= 50)
    #expect(Set(names.all).isSubset(of: ["test-0\n", "test-1\n", "test-2\n"]))
    #expect(pool.queuedCount == 0 && pool.runningCount == 0)
  }

  @Test("a full pool refuses at once, a stopped one always")
  func refuses() throws {
    let pool = try WorkerPool(name: "test", threadCount: 2, queueLimit: 3)
    let (started, gate) = (BoundedQueue<Void>(limit: 2), BoundedQueue<Void>(limit: 1))
    let ran = Shared(Atomic<Int>(0))
    for _ in 0..<2 {
      let isAccepted = pool.submit {
        _ = started.tryPush(())
        _ = gate.pop()
        ran.value.add(1, ordering: .relaxed)
      }
      #expect(isAccepted)
    }
    for _ in 0..<2 { #expect(started.pop() != nil) }
    #expect(pool.runningCount == 2)
    for _ in 0..<3 {
      let isAccepted = pool.submit { ran.value.add(1, ordering: .relaxed) }
      #expect(isAccepted)
    }
    #expect(!pool.submit(noTask))
    #expect(!pool.submit(noTask, until: Deadline(milliseconds: 1)))
    #expect(pool.queuedCount == 3)
    gate.close()
    pool.stop()
    pool.stop()
    let ranCount = ran.value.load(ordering: .relaxed)
    #expect(ranCount == 5)
    #expect(!pool.submit(noTask))
  }

  @Test("a task may submit tasks")
  func nested() throws {
    let pool = try WorkerPool(name: "test", threadCount: 1, queueLimit: 2)
    let done = BoundedQueue<Int>(limit: 2)
    let isAccepted = pool.submit {
      if !pool.submit({ _ = done.tryPush(1) }) { Issue.record("an empty pool refused") }
    }
    #expect(isAccepted)
    #expect(done.pop() == 1)
    pool.stop()
  }
}

@Suite struct PeriodicTaskTests {
  @Test("the task runs once per interval, and not before")
  func intervals() throws {
    let clock = SimulatedClock()
    let calls = BoundedQueue<Int64>(limit: 100)
    let task = try PeriodicTask(name: "tick", intervalMilliseconds: 100, clock: clock) {
      _ = calls.tryPush(clock.nowMilliseconds())
    }
    clock.waitForWaiters(1)
    clock.advance(milliseconds: 99)
    #expect(calls.count == 0)
    for expected in [100, 200, 300] as [Int64] {
      clock.waitForWaiters(1)
      clock.advance(milliseconds: expected - clock.nowMilliseconds())
      #expect(calls.pop() == expected)
    }
    // A long pause is one call, and the next comes a whole interval later.
    clock.waitForWaiters(1)
    clock.advance(milliseconds: 1000)
    #expect(calls.pop() == 1300)
    clock.waitForWaiters(1)
    task.runNow()
    #expect(calls.pop() == 1300)
    task.stop()
    task.stop()
    clock.advance(milliseconds: 1000)
    #expect(calls.count == 0)
  }

  @Test("stopping a task with a long interval ends it at once; a task may stop itself")
  func stops() throws {
    try PeriodicTask(name: "long", intervalMilliseconds: .max) {}.stop()
    let (own, ended) = (Shared(Mutex<PeriodicTask?>(nil)), BoundedQueue<Int>(limit: 1))
    let task = try PeriodicTask(name: "own", intervalMilliseconds: 3_600_000) {
      own.value.withLock { $0 }?.stop()
      _ = ended.tryPush(1)
    }
    own.value.withLock { $0 = task }
    task.runNow()
    #expect(ended.pop() == 1)
    task.stop()
  }
}

@Suite struct SimulatedClockTests {
  @Test("both times move together, the wall alone can step back")
  func times() {
    let clock = SimulatedClock(nowMilliseconds: 5000)
    clock.advance(milliseconds: 1500)
    clock.advance(nanoseconds: 999_999)
    #expect(clock.nowMilliseconds() == 6500 && clock.monotonicNanoseconds() == 1_500_999_999)
    clock.stepWall(milliseconds: -6000)
    #expect(clock.nowMilliseconds() == 500 && clock.monotonicNanoseconds() == 1_500_999_999)
  }

  @Test("a deadline passes at its moment, and one too far never overflows")
  func deadlines() {
    let clock = SimulatedClock()
    clock.advance(milliseconds: 1)
    let deadline = Deadline(milliseconds: 10, of: clock)
    clock.advance(nanoseconds: 9_999_999)
    #expect(!deadline.isPassed && deadline.remainingNanoseconds == 1)
    clock.advance(nanoseconds: 1)
    #expect(deadline.isPassed && deadline.remainingNanoseconds == 0)
    #expect(Deadline(milliseconds: 0, of: clock).isPassed)
    #expect(Deadline(milliseconds: -5, of: clock).isPassed)
    #expect(!Deadline(milliseconds: .max, of: clock).isPassed)
    #expect(!Deadline.never.isPassed && !Deadline.never.advanced(milliseconds: .max).isPassed)
  }

  @Test("the system's clocks agree with themselves")
  func system() {
    let clock = SystemClock()
    let first = clock.monotonicNanoseconds()
    #expect(clock.monotonicNanoseconds() >= first)
    #expect(clock.nowMilliseconds() > 1_600_000_000_000)
  }
}

@Suite struct ProcessSignalsTests {
  @Test("signals are values for one thread, and its threads inherit what is blocked")
  func values() throws {
    let received = Lines()
    try NamedThread(name: "signals") {
      ProcessSignals.block()
      for signal in ProcessSignals.Signal.allCases {
        pthread_kill(pthread_self(), signal.number)
        received.add("\(ProcessSignals.next())")
      }
      let child = try? NamedThread(name: "child") {
        var blocked = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &blocked)
        for signal in ProcessSignals.Signal.allCases { received.add("\(sigismember(&blocked, signal.number))") }
      }
      child?.join()
    }.join()
    #expect(received.all == ["terminate", "interrupt", "reload", "1", "1", "1"])
  }

  @Test("a flag once cancelled stays so")
  func flag() {
    let flag = CancelFlag()
    #expect(!flag.isCancelled)
    flag.cancel()
    flag.cancel()
    #expect(flag.isCancelled)
  }
}

@Sendable private func noTask() {}
