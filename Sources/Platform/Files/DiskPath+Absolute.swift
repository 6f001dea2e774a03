import Glibc

extension DiskPath {
  /// The path from the root of the file system, for readers in another directory. Returns the path as it is where the
  /// system does not know its own directory any more.
  package static func absolute(_ path: String) -> String {
    if path.utf8.first == UInt8(ascii: "/") { return path }
    guard let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    let directory = String(cString: current)
    return join(directory, path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
  }
}
