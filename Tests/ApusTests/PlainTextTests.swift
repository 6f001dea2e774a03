import TestKit
import Testing

@testable import apus
import Glibc

@Suite struct PlainTextTests {
  @Test("every error can be told to a person: no type of errors is left to Swift's rendering")
  func errorsDescribeThemselves() throws {
    let sources = try Self.sources()
    #expect(sources.count > 300)
    let declaration = /(?:enum|struct|class) (\w+): ([^{]*\bError\b[^{]*)\{/
    var seen = 0
    for (path, text) in sources {
      for match in text.matches(of: declaration) {
        seen += 1
        let name = match.output.1
        let isDescribed =
          match.output.2.contains("CustomStringConvertible")
          || sources.contains { $0.text.contains("extension \(name): CustomStringConvertible") }
        #expect(isDescribed, "\(path): \(name) has no description")
      }
    }
    #expect(seen > 30)
  }

  @Test("the revision is that of a commit, wherever there is one")
  func revision() {
    #expect(Version.revision == "unknown" || Version.revision.wholeMatch(of: /[0-9a-f]{40}/) != nil)
    #expect(Version.text.contains("revision: \(Version.revision))"))
    let isClone = access(Self.root + "/.git", F_OK) == 0
    #expect(!isClone || Version.revision != "unknown")
  }

  private static var root: String { "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") }

  private static func sources() throws -> [(path: String, text: String)] {
    var found: [(String, String)] = []
    var folders = [root + "/Sources"]
    while let folder = folders.popLast() {
      guard let directory = opendir(folder) else { throw MissingFile(path: folder) }
      defer { closedir(directory) }
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        let path = folder + "/" + name
        if name.hasPrefix(".") { continue }
        if name.hasSuffix(".swift") { found.append((path, try fileText(path))) }
        if entry.pointee.d_type == UInt8(DT_DIR) { folders.append(path) }
      }
    }
    return found
  }
}
