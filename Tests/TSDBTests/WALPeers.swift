import Glibc
import Platform
import TestKit
import Testing

/// The real Prometheus and promtool, run with their output in files.
enum WALPeers {
  /// Whether tests with them shall run: they are there, or required.
  static var isExpected: Bool { PeerBinary.prometheus.isExpected && PeerBinary.promtool.isExpected }
  static let absence = Comment(rawValue: PeerBinary.promtool.absence)

  struct SpawnError: Error { var code: Int32 }

  /// Starts a binary of the folder, its output going to a file.
  static func start(_ arguments: [String], output: String) throws -> pid_t {
    var words = arguments
    words[0] = try #require(PeerBinary(rawValue: words[0])).path()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, output + ".errors", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    let pointers = words.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    var process = pid_t()
    let code = posix_spawn(&process, words[0], &actions, nil, pointers + [nil], environ)
    if code != 0 { throw SpawnError(code: code) }
    return process
  }

  /// Runs a binary to its end and returns the lines it printed; its errors are an issue of the test.
  static func run(_ arguments: [String], output: String) throws -> [String] {
    let process = try start(arguments, output: output)
    var status: Int32 = 0
    waitpid(process, &status, 0)
    let text = String(decoding: try LinuxDisk().readFile(output), as: UTF8.self)
    let errors = String(decoding: try LinuxDisk().readFile(output + ".errors"), as: UTF8.self)
    #expect(status == 0, "\(arguments.joined(separator: " ")): \(errors)")
    return text.split(separator: "\n").map(String.init)
  }

  /// Sends the signal and waits for the end.
  static func end(_ process: pid_t, _ signal: Int32) {
    kill(process, signal)
    var status: Int32 = 0
    waitpid(process, &status, 0)
  }

  /// A loopback port that was free a moment ago.
  static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0 ? 0 : errno
      }
    }
    if code != 0 { throw SpawnError(code: code) }
    return UInt16(bigEndian: address.sin_port)
  }

  static func write(_ text: String, to path: String) throws {
    let file = try LinuxDisk().open(path, .create)
    try Array(text.utf8).withUnsafeBytes { try file.write($0, at: 0) }
    try file.close()
  }
}
