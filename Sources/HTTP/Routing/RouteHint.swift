/// The known path nearest to a mistyped one, for the text of a 404. Pure.
enum RouteHint {
  /// Longer paths get no hint: comparing costs the product of the lengths.
  private static let pathBytesMax = 160

  /// Nil when nothing is near: more than half of the path would have to change.
  static func nearest(to path: String, among routes: [Route]) -> String? {
    let wanted = Array(path.utf8)
    if wanted.count > pathBytesMax { return nil }
    var best: (distance: Int, pattern: String)?
    for route in routes {
      let pattern = Array(route.pattern.utf8)
      // A prefix in front of a known path (or a forgotten one) is the usual mistake: only the rest counts.
      let distance = endsAlike(wanted, pattern) ? 1 : editDistance(wanted, pattern)
      if distance < best?.distance ?? Int.max { best = (distance, route.pattern) }
    }
    guard let best, best.distance * 2 <= max(wanted.count, best.pattern.utf8.count) else { return nil }
    return best.pattern
  }

  private static func endsAlike(_ path: [UInt8], _ pattern: [UInt8]) -> Bool {
    let (short, long) = path.count < pattern.count ? (path, pattern) : (pattern, path)
    return short.count > 3 && long.suffix(short.count).elementsEqual(short)
  }

  /// Levenshtein's, in one row.
  static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (leftIndex, leftByte) in left.enumerated() {
      var diagonal = row[0]
      row[0] = leftIndex + 1
      for (rightIndex, rightByte) in right.enumerated() {
        let replaced = diagonal + (leftByte == rightByte ? 0 : 1)
        diagonal = row[rightIndex + 1]
        row[rightIndex + 1] = min(replaced, diagonal + 1, row[rightIndex] + 1)
      }
    }
    return row[right.count]
  }
}
