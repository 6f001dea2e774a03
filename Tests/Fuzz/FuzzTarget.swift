import Glibc

/// One reader of outside bytes: its name, bytes it takes (from which the fuzzer starts), and how it is called. A crash, an
/// access the sanitizer reports, or a broken promise (`precondition`) is a finding.
struct FuzzTarget: Sendable {
  let name: String
  let seeds: @Sendable () -> [[UInt8]]
  let run: @Sendable (UnsafeRawBufferPointer) -> Void

  static let all: [FuzzTarget] =
    write + compression + text + exposition + language + operators + ruleFiles + unitTests + files + ownFiles
    + headFiles + blocks + http
    + management + outbound + servers + cloud + clusters + discovery + templates + access
}

/// Writes a target's seeds to a folder, named by their number.
enum FuzzSeeds {
  static func write(_ target: FuzzTarget, to folder: String) -> Bool {
    for (number, bytes) in target.seeds().enumerated() {
      guard let file = fopen("\(folder)/\(number)", "wb") else { return false }
      defer { fclose(file) }
      guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { return false }
    }
    return true
  }
}
