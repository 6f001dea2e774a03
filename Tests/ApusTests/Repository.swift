import Glibc

struct MissingFile: Error {
  var path: String
}

func fileText(_ path: String) throws -> String {
  guard let file = fopen(path, "re") else { throw MissingFile(path: path) }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = fread(&part, 1, part.count, file), count > 0 { bytes += part[..<count] }
  return String(decoding: bytes, as: UTF8.self)
}

func write(_ text: String, to path: String) throws {
  guard let file = fopen(path, "we") else { throw MissingFile(path: path) }
  defer { fclose(file) }
  guard fputs(text, file) >= 0 else { throw MissingFile(path: path) }
}

/// A file of this repository, by its path from the root.
func repositoryFile(_ path: String, from here: String = #filePath) throws -> String {
  let root = here.split(separator: "/").dropLast(3).joined(separator: "/")
  return try fileText("/" + root + "/" + path)
}

/// A directory of its own, removed with all that is in it when `body` is done.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/apus-test-XXXXXX".utf8CString)
  guard let made = mkdtemp(&template) else { throw MissingFile(path: "/tmp") }
  let path = String(cString: made)
  defer { _ = system("rm -rf '\(path)'") }
  return try body(path)
}
