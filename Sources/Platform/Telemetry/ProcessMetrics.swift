import Glibc

/// The system's figures of this process, read from /proc whenever the registry is read, under the names that every
/// Prometheus client library uses. A value that cannot be read is left out.
package enum ProcessMetrics {
  package static func register(in registry: MetricsRegistry) {
    registry.collectFamilies { families(ProcessStatus.read()) }
  }

  static func families(_ status: ProcessStatus) -> [MetricFamily] {
    var families: [MetricFamily] = []
    func add(_ name: String, _ kind: MetricKind, _ value: Double?, _ help: String) {
      guard let value else { return }
      let sample = MetricSample(name: name, labels: [], value: value)
      families.append(MetricFamily(name: name, help: help, kind: kind, samples: [sample]))
    }
    add("process_cpu_seconds_total", .counter, status.cpuSeconds, "Processor time of this process, in seconds.")
    add("process_max_fds", .gauge, status.descriptorCountMax, "Files this process may hold open.")
    add("process_open_fds", .gauge, status.descriptorCount, "Files this process holds open.")
    add("process_resident_memory_bytes", .gauge, status.residentBytes, "Memory in use, in bytes.")
    add("process_start_time_seconds", .gauge, status.startSeconds, "When this process started, in seconds since 1970.")
    add("process_virtual_memory_bytes", .gauge, status.virtualBytes, "Address space in use, in bytes.")
    return families
  }
}

/// One reading of /proc.
struct ProcessStatus {
  var cpuSeconds: Double?
  var residentBytes: Double?
  var virtualBytes: Double?
  var startSeconds: Double?
  var descriptorCount: Double?
  var descriptorCountMax: Double?

  static func read() -> ProcessStatus {
    var status = ProcessStatus()
    if let text = ProcFile.text("/proc/self/stat"), let stat = ProcessStat(text) {
      let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
      status.cpuSeconds = Double(stat.userTicks + stat.systemTicks) / ticksPerSecond
      status.virtualBytes = Double(stat.virtualBytes)
      status.residentBytes = Double(stat.residentPages) * Double(sysconf(Int32(_SC_PAGESIZE)))
      if let boot = ProcFile.text("/proc/stat").flatMap(bootSeconds) {
        status.startSeconds = boot + Double(stat.startTicks) / ticksPerSecond
      }
    }
    // The listing itself holds a descriptor while it reads.
    if let names = try? SystemCalls.list("/proc/self/fd") { status.descriptorCount = Double(names.count - 1) }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      status.descriptorCountMax = Double(limit.rlim_cur)
    }
    return status
  }

  /// Memory that this process holds; nil where the system does not say.
  static func residentBytes() -> Int? {
    // Pages: size resident shared ...
    let fields = ProcFile.text("/proc/self/statm")?.split(separator: " ")
    guard let fields, fields.count > 1, let pages = Int(fields[1]) else { return nil }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  private static func bootSeconds(_ text: String) -> Double? {
    for line in text.split(separator: "\n") where line.hasPrefix("btime ") {
      return Double(line.dropFirst("btime ".count))
    }
    return nil
  }
}

/// The fields of /proc/<pid>/stat that are of use here:
///
///     pid (name) state ppid ... 14 utime 15 stime ... 22 starttime 23 vsize 24 rss ...
///
/// The name may hold anything, spaces and parentheses included, so the fields count from the last parenthesis.
struct ProcessStat {
  var state: Character
  var userTicks: UInt64
  var systemTicks: UInt64
  /// The start of the process in ticks since the machine's boot.
  var startTicks: UInt64
  var virtualBytes: UInt64
  var residentPages: UInt64

  init?(_ text: String) {
    guard let close = text.lastIndex(of: ")") else { return nil }
    // The first of these is field 3.
    let fields = text[text.index(after: close)...].split(whereSeparator: { $0 == " " || $0 == "\n" })
    guard fields.count > 21, let state = fields[0].first,
      let userTicks = UInt64(fields[11]), let systemTicks = UInt64(fields[12]), let startTicks = UInt64(fields[19]),
      let virtualBytes = UInt64(fields[20]), let residentPages = UInt64(fields[21])
    else { return nil }
    self.state = state
    self.userTicks = userTicks
    self.systemTicks = systemTicks
    self.startTicks = startTicks
    self.virtualBytes = virtualBytes
    self.residentPages = residentPages
  }
}
