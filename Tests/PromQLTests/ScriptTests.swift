import Glibc
import Testing

@testable import PromQL

/// Where the scripts of the reference lie, relative to the package; the suite skips them, and says so, where they do not.
private let sharedScripts: String = {
  let file = #filePath
  let root = file.split(separator: "/").dropLast(3).joined(separator: "/")
  if let given = getenv("APUS_PROMQL_SCRIPTS") { return String(cString: given) }
  return "/" + root + "/../shared/promqltest"
}()

private func scriptNames(_ folder: String) -> [String] {
  guard let directory = opendir(folder) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name.hasSuffix(".test") { names.append(name) }
  }
  return names.sorted()
}

private func readText(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = fread(&buffer, 1, buffer.count, file)
    if count == 0 { break }
    bytes.append(contentsOf: buffer[..<count])
  }
  return String(decoding: bytes, as: UTF8.self)
}

struct ScriptTests {
  /// One name that stands for "there are none" keeps the test visible where the folder is missing.
  private static let missing = "(no folder with scripts)"

  @Test(
    "every case of a script of the reference is answered as there",
    arguments: scriptNames(sharedScripts).isEmpty ? [missing] : scriptNames(sharedScripts))
  func shared(name: String) throws {
    if name == Self.missing {
      print("PromQL scripts skipped: no scripts in \(sharedScripts)")
      return
    }
    let text = try #require(readText(sharedScripts + "/" + name))
    var runner = ScriptRunner(text)
    runner.run()
    #expect(runner.caseCount > 0)
    for failure in runner.failures { Issue.record("\(name) \(failure)") }
  }
}
