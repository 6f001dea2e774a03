import Glibc

/// Who holds a data directory, as its lock file says it:
///
///     apus 1
///     pid 4711
///     start 123456            ticks from the machine's boot to the process's start
///     boot 0d9c7e4c-...       one boot of one machine
///     namespace 4026531836    the process numbers that `pid` belongs to (one per container)
///     host prometheus-0
///     beat 17                 grows while the owner lives, where others cannot look it up
///
/// Process number, start, boot and namespace together name one process, for ever. A value.
struct LockRecord: Equatable, Sendable {
  /// More is no record of ours.
  static let bytesMax = 4096

  var pid: Int32
  var startTicks: UInt64
  var boot: String
  var namespace: UInt64
  var host: String
  var beat: UInt64

  /// The record of this process. A field that the system does not tell is 0 or empty, and then matches nobody.
  static func current() -> LockRecord {
    var name = [CChar](repeating: 0, count: 256)
    let hasName = gethostname(&name, name.count - 1) == 0
    let host = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let boot = ProcFile.text("/proc/sys/kernel/random/boot_id") ?? ""
    let namespace = try? SystemCalls.status("/proc/self/ns/pid").st_ino
    return LockRecord(
      pid: getpid(), startTicks: ProcFile.text("/proc/self/stat").flatMap(ProcessStat.init)?.startTicks ?? 0,
      boot: String(boot.prefix { !$0.isWhitespace }), namespace: UInt64(namespace ?? 0),
      host: hasName ? String(decoding: host, as: UTF8.self) : "", beat: 0)
  }

  /// True if both name the same process.
  func isSameProcess(as other: LockRecord) -> Bool {
    pid == other.pid && startTicks == other.startTicks && boot == other.boot && namespace == other.namespace
  }

  /// True if a process of this machine and namespace is that one and runs.
  var isAlive: Bool {
    guard let stat = ProcFile.text("/proc/\(pid)/stat").flatMap(ProcessStat.init) else { return false }
    return stat.startTicks == startTicks && stat.state != "Z" && stat.state != "X"
  }

  var text: String {
    """
    apus 1
    pid \(pid)
    start \(startTicks)
    boot \(boot)
    namespace \(namespace)
    host \(host)
    beat \(beat)

    """
  }

  /// Nil for anything that is not a whole record: an empty file of Prometheus, one cut by a crash, somebody else's.
  init?(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let keys = ["apus", "pid", "start", "boot", "namespace", "host", "beat"]
    guard lines.count == keys.count + 1, lines.last == "" else { return nil }
    var values: [String] = []
    for (line, key) in zip(lines, keys) {
      guard line.utf8.starts(with: (key + " ").utf8) else { return nil }
      values.append(String(line.dropFirst(key.count + 1)))
    }
    guard values[0] == "1", let pid = Int32(values[1]), pid > 0, let startTicks = UInt64(values[2]),
      let namespace = UInt64(values[4]), let beat = UInt64(values[6])
    else { return nil }
    self.init(
      pid: pid, startTicks: startTicks, boot: values[3], namespace: namespace, host: values[5], beat: beat)
  }

  init(pid: Int32, startTicks: UInt64, boot: String, namespace: UInt64, host: String, beat: UInt64) {
    self.pid = pid
    self.startTicks = startTicks
    self.boot = boot
    self.namespace = namespace
    self.host = host
    self.beat = beat
  }
}
