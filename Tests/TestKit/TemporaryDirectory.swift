import Glibc

/// A folder of a test's own, removed with everything in it at deinit. Safe to share between threads.
package final class TemporaryDirectory: Sendable {
  package let path: String

  /// Made in `folder`, or in TMPDIR, or in /tmp.
  package init(_ name: String = "apus", in folder: String? = nil) throws(FileFailure) {
    let parent = folder ?? environmentVariable("TMPDIR") ?? "/tmp"
    var template = Array("\(parent)/\(name)-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileFailure("mkdtemp", parent) }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { remove() }

  /// Removes the folder before the end of the last reference, for those that end with the process.
  package func remove() { removeTree(path) }

  /// The path of something in the folder.
  package func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file in the folder and returns its path.
  @discardableResult
  package func write(_ text: String, to name: String) throws(FileFailure) -> String {
    try overwriteFile(path(name), Array(text.utf8))
    return path(name)
  }

  /// Makes a folder in the folder and returns its path.
  @discardableResult
  package func makeFolder(_ name: String) throws(FileFailure) -> String {
    guard mkdir(path(name), 0o755) == 0 else { throw FileFailure("mkdir", path(name)) }
    return path(name)
  }
}

/// A call about a file that failed; its number is read from errno at once.
package struct FileFailure: Error, CustomStringConvertible {
  package let description: String

  init(_ call: String, _ path: String) { description = "\(call) \(path): \(String(cString: strerror(errno)))" }
}

/// The whole content of a small file (of /proc, too), or nil.
package func readFile(_ path: String) -> [UInt8]? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var content: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16 << 10)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else { return nil }
    if count == 0 { return content }
    content.append(contentsOf: chunk[0..<count])
  }
}

/// Makes `bytes` the whole content of a file, in place.
package func overwriteFile(_ path: String, _ bytes: [UInt8]) throws(FileFailure) {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw FileFailure("open", path) }
  defer { close(descriptor) }
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { throw FileFailure("write", path) }
    rest = rest.dropFirst(count)
  }
}

package func removeFile(_ path: String) throws(FileFailure) {
  guard unlink(path) == 0 else { throw FileFailure("unlink", path) }
}

/// The names in a folder, in byte order; empty where there is none.
package func namesInFolder(_ path: String) -> [String] {
  guard let stream = opendir(path) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

package func environmentVariable(_ name: String) -> String? {
  guard let text = getenv(name) else { return nil }
  let value = String(cString: text)
  return value.isEmpty ? nil : value
}

/// Removes a file or a folder with all it holds; links are removed, not followed.
private func removeTree(_ path: String) {
  var status = stat()
  guard lstat(path, &status) == 0 else { return }
  if status.st_mode & S_IFMT == S_IFDIR {
    chmod(path, 0o700)
    for name in namesInFolder(path) { removeTree("\(path)/\(name)") }
    rmdir(path)
  } else {
    unlink(path)
  }
}
