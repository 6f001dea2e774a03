/// Paths as text. Pure; knows no links and no `..`.
package enum DiskPath {
  /// The directory that holds the name: `a/b` -> `a`, `a` -> `.`, `/a` -> `/`, `/` -> `/`.
  package static func parent(_ path: String) -> String {
    let trimmed = trimmingSlashes(path.utf8[...])
    guard let last = trimmed.lastIndex(of: slash) else {
      return trimmed.isEmpty && !path.isEmpty ? "/" : "."
    }
    let parent = trimmingSlashes(trimmed[..<last])
    return parent.isEmpty ? "/" : String(Substring(parent))
  }

  /// The last name: `a/b` -> `b`, `/` -> nothing.
  package static func name(_ path: String) -> String {
    let trimmed = trimmingSlashes(path.utf8[...])
    guard let last = trimmed.lastIndex(of: slash) else { return String(Substring(trimmed)) }
    return String(Substring(trimmed[trimmed.index(after: last)...]))
  }

  package static func join(_ directory: String, _ name: String) -> String {
    directory.isEmpty || directory.utf8.last == slash ? directory + name : directory + "/" + name
  }

  private static var slash: UInt8 { UInt8(ascii: "/") }

  private static func trimmingSlashes(_ path: Substring.UTF8View) -> Substring.UTF8View {
    var trimmed = path
    while trimmed.last == slash { trimmed.removeLast() }
    return trimmed
  }
}
