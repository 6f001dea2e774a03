/// A path with stars, question marks and brackets, and the files that it means. The rules are those of Go's
/// `filepath.Glob`: a star stands for names that begin with a dot, too.
package struct PathPattern: Sendable {
  /// A bracket without end, or a backslash at the end.
  package struct PatternError: Error, Equatable, CustomStringConvertible {
    package var description: String { "syntax error in pattern" }
  }

  /// Directories listed for one pattern, those of patterns among its directories included.
  package static let listedMax = 10_000

  package let text: String

  package init(_ text: String) { self.text = text }

  /// The directory in which a change may change the files; that of the last part.
  package var directory: String {
    guard let slash = text.lastIndex(of: "/") else { return "." }
    return slash == text.startIndex ? "/" : String(text[..<slash])
  }

  private static func isPattern(_ text: String) -> Bool { text.contains { "*?[\\".contains($0) } }

  /// The paths that exist, sorted within their directories.
  package func paths(_ disk: any Disk = LinuxDisk()) throws(PatternError) -> [String] {
    _ = try PathPattern.matches("", text)
    var listed = 0
    return try PathPattern.expand(text, disk, &listed)
  }

  /// The directories of the files, patterns among them resolved.
  package func directories(_ disk: any Disk = LinuxDisk()) -> [String] {
    if !PathPattern.isPattern(directory) { return [directory] }
    var listed = 0
    return (try? PathPattern.expand(directory, disk, &listed)) ?? []
  }

  private static func expand(_ text: String, _ disk: any Disk, _ listed: inout Int) throws(PatternError) -> [String] {
    if !isPattern(text) {
      // A link that leads nowhere is told when it is read.
      return exists(text, disk) ? [text] : []
    }
    let pattern = PathPattern(text)
    let name = DiskPath.name(text)
    let parents = isPattern(pattern.directory) ? try expand(pattern.directory, disk, &listed) : [pattern.directory]
    var paths: [String] = []
    for parent in parents {
      listed += 1
      // One that cannot be listed has no files for us.
      guard listed <= listedMax, let names = try? disk.list(parent) else { continue }
      for candidate in names where try matches(candidate, name) { paths.append(join(parent, candidate)) }
    }
    return paths
  }

  private static func exists(_ path: String, _ disk: any Disk) -> Bool {
    do throws(DiskError) {
      _ = try disk.status(path)
      return true
    } catch {
      return !error.isNotFound || (try? disk.list(DiskPath.parent(path)))?.contains(DiskPath.name(path)) == true
    }
  }

  // MARK: Paths

  /// A path behind a directory, without the parts that say nothing.
  package static func join(_ directory: String, _ name: String) -> String {
    clean(directory.isEmpty ? name : directory + "/" + name)
  }

  /// The shortest path that means the same, without a look at the disk: no `.`, no doubled slash, no `..` behind a name.
  package static func clean(_ path: String) -> String {
    let isAbsolute = path.hasPrefix("/")
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." {
        parts.removeLast()
      } else if part != ".." || !isAbsolute {
        parts.append(part)
      }
    }
    let joined = parts.joined(separator: "/")
    return isAbsolute ? "/" + joined : joined.isEmpty ? "." : joined
  }

  // MARK: Names

  /// True if the whole name is one that the pattern means. Its time is bounded by the product of both lengths.
  package static func matches(_ name: String, _ pattern: String) throws(PatternError) -> Bool {
    let parts = try parse(pattern)
    let name = Array(name.unicodeScalars)
    var place = 0
    var part = 0
    // Where to go on when what follows the last star does not fit.
    var star: (part: Int, place: Int)?
    while place < name.count {
      if part < parts.count, parts[part] == .anything {
        star = (part, place)
        part += 1
      } else if part < parts.count, parts[part].matches(name[place]) {
        part += 1
        place += 1
      } else if let last = star {
        star = (last.part, last.place + 1)
        part = last.part + 1
        place = last.place + 1
      } else {
        return false
      }
    }
    return parts[part...].allSatisfy { $0 == .anything }
  }

  private enum Part: Equatable {
    case anything
    case one
    case scalar(Unicode.Scalar)
    case among([ClosedRange<Unicode.Scalar>], isNegated: Bool)

    func matches(_ scalar: Unicode.Scalar) -> Bool {
      switch self {
      case .anything, .one: scalar != "/"
      case .scalar(let wanted): wanted == scalar
      case .among(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
      }
    }
  }

  private static func parse(_ pattern: String) throws(PatternError) -> [Part] {
    var rest = pattern.unicodeScalars[...]
    var parts: [Part] = []
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*": if parts.last != .anything { parts.append(.anything) }
      case "?": parts.append(.one)
      case "[": parts.append(try bracket(&rest))
      case "\\":
        guard let escaped = rest.popFirst() else { throw PatternError() }
        parts.append(.scalar(escaped))
      default: parts.append(.scalar(scalar))
      }
    }
    return parts
  }

  private static func bracket(_ rest: inout Substring.UnicodeScalarView) throws(PatternError) -> Part {
    let isNegated = rest.first == "^"
    if isNegated { rest.removeFirst() }
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    while !(rest.first == "]" && !ranges.isEmpty) {
      let low = try end(&rest)
      var high = low
      if rest.first == "-" {
        rest.removeFirst()
        high = try end(&rest)
      }
      // A range the wrong way round holds nothing.
      ranges.append(low <= high ? low...high : "\u{10FFFF}"..."\u{10FFFF}")
    }
    rest.removeFirst()
    return .among(ranges, isNegated: isNegated)
  }

  private static func end(_ rest: inout Substring.UnicodeScalarView) throws(PatternError) -> Unicode.Scalar {
    guard var scalar = rest.popFirst(), scalar != "-", scalar != "]" else { throw PatternError() }
    if scalar == "\\" {
      guard let escaped = rest.popFirst() else { throw PatternError() }
      scalar = escaped
    }
    if rest.isEmpty { throw PatternError() }
    return scalar
  }
}
