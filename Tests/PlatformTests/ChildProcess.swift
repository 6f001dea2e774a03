import Glibc

@testable import Platform

/// Another program, killed and waited for when the value goes.
final class ChildProcess: Sendable {
  let pid: pid_t

  init(_ arguments: [String]) throws {
    var pid = pid_t()
    var pointers = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    let code = posix_spawn(&pid, arguments[0], nil, nil, &pointers, environ)
    try hold(code == 0, "\(arguments[0]): \(errorText(code))")
    self.pid = pid
  }

  func end() {
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
  }

  /// As a lock file would name it.
  func record() throws -> LockRecord {
    let stat = try held(ProcFile.text("/proc/\(pid)/stat").flatMap(ProcessStat.init), "no process \(pid)")
    var record = LockRecord.current()
    record.pid = pid
    record.startTicks = stat.startTicks
    return record
  }
}
