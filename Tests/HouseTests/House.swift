import Glibc

/// This repository's files as the house tests read them: once, as lines of bytes.
enum House {
  struct File: Sendable {
    /// From the root of the repository.
    let path: String
    let text: String
    let lines: [Line]
  }

  static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
  static let sources = swiftFiles(under: "Sources")
  static let tests = swiftFiles(under: "Tests") + swiftFiles(under: "Benchmarks")
  static let manifest = text("Package.swift")

  /// The text of a file; empty where there is none.
  static func text(_ path: String) -> String {
    guard let file = fopen(root + "/" + path, "re") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&part, 1, part.count, file), count > 0 { bytes += part[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func exists(_ path: String) -> Bool { access(root + "/" + path, F_OK) == 0 }

  /// The files of a folder and of those in it whose names end so, sorted.
  static func paths(under folder: String, ending: String) -> [String] {
    guard let directory = opendir(root + "/" + folder) else { return [] }
    defer { closedir(directory) }
    var found: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(".") { continue }
      let path = folder + "/" + name
      if entry.pointee.d_type == UInt8(DT_DIR) {
        found += paths(under: path, ending: ending)
      } else if name.hasSuffix(ending) {
        found.append(path)
      }
    }
    return found.sorted()
  }

  private static func swiftFiles(under folder: String) -> [File] {
    paths(under: folder, ending: ".swift").map { path in
      let text = text(path)
      let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      return File(path: path, text: text, lines: lines.dropLast().map { Line(Array($0)) })
    }
  }
}

/// A line of a source file.
struct Line: Sendable {
  let bytes: [UInt8]
  /// Blanks before the first other byte.
  let indent: Int

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    indent = bytes.prefix { $0 == UInt8(ascii: " ") }.count
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }
  var isBlank: Bool { indent == bytes.count }
  var isComment: Bool { starts(with: "//") }

  /// True if the line, without its indent, starts with `text`.
  func starts(with text: StaticString) -> Bool {
    bytes.count - indent >= text.utf8CodeUnitCount
      && text.withUTF8Buffer { bytes[indent...].prefix($0.count).elementsEqual($0) }
  }

  /// True if the text is in the line before any comment.
  func codeContains(_ text: String) -> Bool {
    let code = self.text.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)[0]
    return code.contains(text)
  }
}
