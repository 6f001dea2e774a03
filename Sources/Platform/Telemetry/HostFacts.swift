import Glibc

/// The machine and system that this process runs on, as the system names them.
package enum HostFacts {
  package static var workingDirectory: String {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    guard getcwd(&path, path.count) != nil else { return "" }
    return String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  package static var hostName: String {
    // The longest name the system has, and its end.
    var name = [CChar](repeating: 0, count: 65)
    guard gethostname(&name, name.count) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Threads of this process; 0 where that cannot be read.
  package static var threadCount: Int {
    guard let text = ProcFile.text("/proc/self/status") else { return 0 }
    for line in text.split(separator: "\n") where line.hasPrefix("Threads:") {
      return Int(line.drop { !$0.isNumber }) ?? 0
    }
    return 0
  }

  package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
