import Platform

/// A pattern of paths as Go's `filepath.Glob` reads it: `*`, `?`, `[a-z]`, `[^a]` and `\` within one part of a path. Immutable.
package struct FilePattern: Sendable {
  private enum Piece {
    /// Any number of characters.
    case star
    case any
    case one(Unicode.Scalar)
    case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)

    func matches(_ scalar: Unicode.Scalar) -> Bool {
      switch self {
      case .star: false
      case .any: true
      case .one(let own): own == scalar
      case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
      }
    }
  }

  private let text: String

  /// Nil for a pattern that is malformed.
  package init?(_ text: String) {
    self.text = text
    for part in text.split(separator: "/") where FilePattern.isPattern(part) && FilePattern.pieces(part) == nil {
      return nil
    }
  }

  /// The paths that there are, sorted; what cannot be looked at is not there.
  package func matches(on disk: any Disk) -> [String] { FilePattern.matches(text[...], disk) }

  private static func matches(_ text: Substring, _ disk: any Disk) -> [String] {
    if !isPattern(text) { return (try? disk.status(String(text))) == nil ? [] : [String(text)] }
    let slash = text.lastIndex(of: "/")
    guard let pieces = pieces(slash.map { text[text.index(after: $0)...] } ?? text) else { return [] }
    let prefix = slash.map { text[...$0] } ?? ""
    // A root, or a folder without its slash.
    let folder = prefix.count > 1 ? prefix.dropLast() : prefix
    var found: [String] = []
    for folder in isPattern(folder) ? matches(folder, disk) : [String(folder)] {
      guard let names = try? disk.list(folder.isEmpty ? "." : folder) else { continue }
      let start = folder.isEmpty || folder.hasSuffix("/") ? folder : folder + "/"
      found += names.filter { fits(Array($0.unicodeScalars), pieces) }.map { start + $0 }
    }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func isPattern(_ text: Substring) -> Bool { text.contains { "*?[\\".contains($0) } }

  private static func pieces(_ text: Substring) -> [Piece]? {
    var pieces: [Piece] = []
    var rest = text.unicodeScalars
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*": pieces.append(.star)
      case "?": pieces.append(.any)
      case "\\":
        guard let next = rest.popFirst() else { return nil }
        pieces.append(.one(next))
      case "[":
        guard let set = set(&rest) else { return nil }
        pieces.append(set)
      default: pieces.append(.one(scalar))
      }
    }
    return pieces
  }

  /// The set behind a bracket; it has one range at least.
  private static func set(_ rest: inout Substring.UnicodeScalarView) -> Piece? {
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    let isNegated = rest.first == "^"
    if isNegated { rest.removeFirst() }
    while true {
      if rest.first == "]", !ranges.isEmpty {
        rest.removeFirst()
        return .set(ranges, isNegated: isNegated)
      }
      guard let low = bound(&rest) else { return nil }
      var high = low
      if rest.first == "-" {
        rest.removeFirst()
        guard let bound = bound(&rest) else { return nil }
        high = bound
      }
      // A range whose ends are the wrong way round has nothing in it.
      ranges.append(low <= high ? low...high : "\u{0}"..."\u{0}")
    }
  }

  private static func bound(_ rest: inout Substring.UnicodeScalarView) -> Unicode.Scalar? {
    guard let scalar = rest.popFirst(), scalar != "-", scalar != "]" else { return nil }
    return scalar == "\\" ? rest.popFirst() : scalar
  }

  /// Goes back to the last star where nothing else fits: in the worst case as many steps as both lengths multiplied.
  private static func fits(_ name: [Unicode.Scalar], _ pieces: [Piece]) -> Bool {
    var (at, piece) = (0, 0)
    var behindStar: (at: Int, piece: Int)?
    while at < name.count || piece < pieces.count {
      if piece < pieces.count {
        if case .star = pieces[piece] {
          behindStar = (at, piece + 1)
          piece += 1
          continue
        }
        if at < name.count, pieces[piece].matches(name[at]) {
          at += 1
          piece += 1
          continue
        }
      }
      guard let star = behindStar, star.at < name.count else { return false }
      behindStar = (star.at + 1, star.piece)
      (at, piece) = (star.at + 1, star.piece)
    }
    return true
  }
}
