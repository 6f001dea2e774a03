import Glibc
import Synchronization

/// A program that a test started, in a process group of its own, its output captured.
/// Owned by the test; safe to use from any thread. Invariant: nothing outlives it: the group is killed at deinit and
/// at the exit of this process, and a process id is never signalled after it was reaped.
package final class ChildProcess: Sendable {
  /// How a process ended.
  package enum Exit: Sendable, Equatable {
    case code(Int32)
    case signal(Int32)
  }

  package struct SpawnError: Error, CustomStringConvertible {
    package var program: String
    package var reason: String
    package var description: String { "cannot start \(program): \(reason)" }
  }

  package let program: String
  package let processID: pid_t
  package let standardOutput: CapturedOutput
  package let standardError: CapturedOutput
  private let exit = Mutex<Exit?>(nil)

  /// Starts `program` (a path) with `arguments`; `environment` is laid over this process's own.
  package init(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil
  ) throws(SpawnError) {
    self.program = program
    // env changes the folder and then becomes the program: same process id.
    let command = directory.map { ["/usr/bin/env", "-C", $0, program] + arguments } ?? [program] + arguments
    let spawned = try spawning.withLock { (_) throws(SpawnError) in try Spawned(command, environment) }
    processID = spawned.processID
    standardOutput = CapturedOutput(reading: spawned.output)
    standardError = CapturedOutput(reading: spawned.errors)
    LiveGroups.add(processID)
  }

  deinit { killAndReap() }

  /// True until the process was seen to have ended.
  package var isRunning: Bool { poll() == nil }

  /// How the process ended, or nil while it runs.
  package func poll() -> Exit? {
    exit.withLock { exit in
      if exit == nil { exit = reap(WNOHANG) }
      return exit
    }
  }

  /// Waits for the end of the process and of what it has printed; nil when it still runs after `deadline`.
  package func wait(within deadline: Duration) -> Exit? {
    let ended = eventually(within: deadline, every: .milliseconds(2)) { self.poll() }
    if ended != nil {
      // Its last lines may be on their way still. A process of its own that lives on keeps a stream open: it is not waited for.
      _ = standardOutput.complete(within: .seconds(2))
      _ = standardError.complete(within: .seconds(2))
    }
    return ended
  }

  /// Sends a signal to the process alone, unless it has ended.
  package func send(_ signal: Int32) {
    exit.withLock { exit in
      if exit == nil { _ = kill(processID, signal) }
    }
  }

  /// SIGTERM, then waits; a process that does not follow within `deadline` is killed and nil is returned.
  package func terminate(within deadline: Duration = .seconds(20)) -> Exit? {
    send(SIGTERM)
    if let ended = wait(within: deadline) { return ended }
    killAndReap()
    return nil
  }

  /// SIGKILL to the whole group, then waits until the process is gone.
  package func killAndReap() {
    exit.withLock { exit in
      if exit == nil {
        _ = kill(-processID, SIGKILL)
        exit = reap(0)
      }
    }
  }

  /// waitpid, called under the lock so that no one signals an id that was given back.
  private func reap(_ options: Int32) -> Exit? {
    var status: Int32 = 0
    var result: pid_t
    repeat { result = waitpid(processID, &status, options) } while result == -1 && errno == EINTR
    guard result == processID else { return nil }
    // What the process itself left in its group ends with it.
    _ = kill(-processID, SIGKILL)
    LiveGroups.remove(processID)
    let signal = status & 0x7f
    return signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
  }
}

/// Held while a process is started: between the making of a pipe and its close-on-exec mark, no other start may
/// inherit it, or the other child would keep the stream from ending.
private let spawning = Mutex<Void>(())

/// A process that has just been started, and the read ends of its streams.
private struct Spawned {
  var processID: pid_t = 0
  var output: Int32
  var errors: Int32

  init(_ command: [String], _ environment: [String: String]) throws(ChildProcess.SpawnError) {
    guard let outputPipe = Pipe(), let errorPipe = Pipe() else {
      throw .init(program: command[0], reason: "no pipe: \(String(cString: strerror(errno)))")
    }
    output = outputPipe.readEnd
    errors = errorPipe.readEnd
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, outputPipe.writeEnd, 1)
    posix_spawn_file_actions_adddup2(&actions, errorPipe.writeEnd, 2)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))

    let result = withCStrings(command) { argv in
      withCStrings(mergedEnvironment(environment)) { envp in
        posix_spawn(&processID, command[0], &actions, &attributes, argv, envp)
      }
    }
    posix_spawnattr_destroy(&attributes)
    posix_spawn_file_actions_destroy(&actions)
    close(outputPipe.writeEnd)
    close(errorPipe.writeEnd)
    guard result == 0 else {
      close(output)
      close(errors)
      throw .init(program: command[0], reason: String(cString: strerror(result)))
    }
  }
}

private struct Pipe {
  let readEnd: Int32
  let writeEnd: Int32

  init?() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    readEnd = ends[0]
    writeEnd = ends[1]
    _ = fcntl(readEnd, F_SETFD, FD_CLOEXEC)
    _ = fcntl(writeEnd, F_SETFD, FD_CLOEXEC)
  }
}

/// The process groups that are alive, so that an exit of the test process ends them.
private enum LiveGroups {
  static let groups = Mutex<Set<pid_t>>([])
  static let endAllAtExit: Void = {
    atexit { LiveGroups.groups.withLock { for group in $0 { _ = kill(-group, SIGKILL) } } }
  }()

  static func add(_ group: pid_t) {
    _ = endAllAtExit
    groups.withLock { _ = $0.insert(group) }
  }

  static func remove(_ group: pid_t) { groups.withLock { _ = $0.remove(group) } }
}

private func mergedEnvironment(_ changes: [String: String]) -> [String] {
  var entries: [String] = []
  var entry = environ
  while let text = entry.pointee {
    let line = String(cString: text)
    if changes[String(line.prefix { $0 != "=" })] == nil { entries.append(line) }
    entry += 1
  }
  return entries + changes.map { "\($0.key)=\($0.value)" }
}

private func withCStrings<R>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
  var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
  pointers.append(nil)
  defer { for pointer in pointers { free(pointer) } }
  return body(&pointers)
}
