import Glibc

/// What a running process has used so far, read from /proc: a plain value.
package struct ProcessUsage: Sendable {
  package var userSeconds: Double
  package var systemSeconds: Double
  /// Resident now, and the most it ever was.
  package var residentBytes: Int
  package var residentBytesMax: Int
  /// The parts of `residentBytes`: the process's own memory, and pages of files (reclaimable).
  package var anonymousBytes: Int
  package var fileBytes: Int
  package var threads: Int
  /// Bytes the process caused to be written to storage.
  package var writtenBytes: Int

  package var cpuSeconds: Double { userSeconds + systemSeconds }

  /// Nil when there is no such process (any more).
  package init?(processID: pid_t) {
    guard let stat = readFile("/proc/\(processID)/stat"), let status = readFile("/proc/\(processID)/status") else {
      return nil
    }
    // The second field is the program's name in parentheses and may hold anything, so count from its end.
    let fields = String(decoding: stat, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
    let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    userSeconds = user / ticksPerSecond
    systemSeconds = system / ticksPerSecond
    let lines = NamedNumbers(status)
    residentBytes = (lines["VmRSS"] ?? 0) << 10
    residentBytesMax = (lines["VmHWM"] ?? 0) << 10
    anonymousBytes = (lines["RssAnon"] ?? 0) << 10
    fileBytes = (lines["RssFile"] ?? 0) << 10
    threads = lines["Threads"] ?? 0
    writtenBytes = NamedNumbers(readFile("/proc/\(processID)/io") ?? [])["write_bytes"] ?? 0
    // The counters in status are kept per thread and added up late; the walk over the mappings is exact.
    let exact = NamedNumbers(readFile("/proc/\(processID)/smaps_rollup") ?? [])
    if let resident = exact["Rss"], let anonymous = exact["Anonymous"] {
      residentBytes = resident << 10
      anonymousBytes = anonymous << 10
      fileBytes = (resident - anonymous) << 10
    }
  }
}

extension ChildProcess {
  /// What the process has used so far; nil after it ended.
  package var usage: ProcessUsage? { isRunning ? ProcessUsage(processID: processID) : nil }
}

/// Lines such as `VmRSS:   1234 kB`.
private struct NamedNumbers {
  private var numbers: [Substring: Int] = [:]

  init(_ bytes: [UInt8]) {
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, let word = parts[1].split(whereSeparator: { $0 == " " || $0 == "\t" }).first,
        let number = Int(word)
      else { continue }
      numbers[parts[0]] = number
    }
  }

  subscript(_ name: Substring) -> Int? { numbers[name] }
}
