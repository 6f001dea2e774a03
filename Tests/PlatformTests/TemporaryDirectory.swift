import Glibc
import PlatformSimulation
import Testing

@testable import Platform

/// A directory of the machine's disk that is gone when the value is.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/platform-tests-XXXXXX".utf8CString)
    let isMade = mkdtemp(&template) != nil
    try hold(isMade, "mkdtemp: \(errorText(errno))")
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    do { try LinuxDisk().removeTree(path) } catch { Issue.record("\(error)") }
  }

  func callAsFunction(_ name: String) -> String { DiskPath.join(path, name) }
}

/// Every test of what all disks have in common runs on both.
enum DiskUnderTest: String, CaseIterable, CustomTestStringConvertible {
  case linux, simulated

  var testDescription: String { rawValue }

  func make() throws -> (disk: any Disk, directory: TemporaryDirectory) {
    let directory = try TemporaryDirectory()
    guard self == .simulated else { return (LinuxDisk(), directory) }
    let disk = SimulatedDisk()
    try disk.makeDirectory("/tmp")
    try disk.makeDirectory(directory.path)
    return (disk, directory)
  }
}

extension DiskFile {
  func write(_ bytes: [UInt8], at offset: Int) throws(DiskError) {
    let result: Result<Void, DiskError> = bytes.withUnsafeBytes { bytes in
      do throws(DiskError) { return .success(try write(bytes, at: offset)) } catch { return .failure(error) }
    }
    try result.get()
  }

  func read(_ count: Int, at offset: Int) throws(DiskError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: count)
    let result: Result<Int, DiskError> = bytes.withUnsafeMutableBytes { bytes in
      do throws(DiskError) { return .success(try read(into: bytes, at: offset)) } catch { return .failure(error) }
    }
    return Array(bytes[..<(try result.get())])
  }
}

/// The error number that `body` ends with, 0 for none.
func code(_ body: () throws(DiskError) -> Void) -> Int32 {
  do {
    try body()
    return 0
  } catch {
    return error.code
  }
}
