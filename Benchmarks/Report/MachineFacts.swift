import Glibc
import TestKit

/// What the figures of a report stand under: the machine, the programs and the time. A plain value.
struct MachineFacts {
  var lines: [(name: String, value: String)] = []

  init(_ options: BenchOptions) {
    lines = [
      ("date", Self.dateText()),
      ("revision", Self.revision()),
      ("processor", Self.processor()),
      ("processors", "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)))"),
      ("memory", Self.memory()),
      ("kernel", Self.kernel()),
      ("load before the run", Self.load()),
    ]
    for contender in options.contenders { lines.append((contender.rawValue, Self.version(of: contender))) }
  }

  private static func dateText() -> String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M UTC", &parts)
    return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Of the checkout that is the current folder; marked where files differ from it.
  private static func revision() -> String {
    guard let head = firstLine(of: "/usr/bin/git", ["rev-parse", "--short=12", "HEAD"]) else { return "-" }
    let changed = firstLine(of: "/usr/bin/git", ["status", "--porcelain", "--untracked-files=no"]) ?? ""
    return changed.isEmpty ? head : head + ", with changes"
  }

  private static func processor() -> String {
    value(of: "model name", in: "/proc/cpuinfo") ?? "-"
  }

  private static func memory() -> String {
    guard let text = value(of: "MemTotal", in: "/proc/meminfo"), let kibibytes = Int(text.prefix { $0 != " " }) else {
      return "-"
    }
    return "\(FigureTable.number(Double(kibibytes) / 1_048_576, 1)) GiB"
  }

  private static func kernel() -> String {
    readFile("/proc/sys/kernel/osrelease").map { String(decoding: $0, as: UTF8.self).trimmed } ?? "-"
  }

  /// Of the last minute: figures of a machine with other work in it are to be read with care.
  private static func load() -> String {
    readFile("/proc/loadavg").map { String(String(decoding: $0, as: UTF8.self).prefix { $0 != " " }) } ?? "-"
  }

  private static func version(of contender: Contender) -> String {
    do {
      let (program, argument) =
        switch contender {
        case .apus: (try apusBinary(), "--version")
        case .prometheus: (try PeerBinary.prometheus.path(), "--version")
        case .victoria: (try PeerBinary.victoriaMetrics.path(), "--version")
        }
      let version = firstLine(of: program, [argument]) ?? ""
      // Some packages are built without one; then the program can at least be told from others.
      return version.isEmpty ? "does not tell its version; \(bytesInFiles(program)) bytes" : version
    } catch {
      return "-"
    }
  }

  private static func value(of name: String, in path: String) -> String? {
    guard let bytes = readFile(path) else { return nil }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2, String(parts[0]).trimmed == name { return String(parts[1]).trimmed }
    }
    return nil
  }

  /// Nil where the program is missing or ends with an error.
  private static func firstLine(of program: String, _ arguments: [String]) -> String? {
    do {
      let child = try ChildProcess(program, arguments)
      defer { child.killAndReap() }
      guard child.wait(within: .seconds(10)) == .code(0) else { return nil }
      let output = child.standardOutput.complete()
      let text = output.isEmpty ? child.standardError.complete() : output
      return text.split(separator: "\n").first.map { String($0).trimmed } ?? ""
    } catch {
      return nil
    }
  }
}

extension String {
  /// Without the blanks around it.
  var trimmed: String {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" }
    return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
}
