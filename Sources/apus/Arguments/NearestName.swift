/// The name out of `names` that `written` was probably meant to be, the first of several; nil where none is close.
func nearestName(to written: String, in names: some Sequence<String>) -> String? {
  let limit = max(2, written.utf8.count / 4)
  var best: (name: String, distance: Int)?
  for name in names {
    let distance = editDistance(Array(written.utf8), Array(name.utf8), limit: limit)
    if distance <= limit, distance < best?.distance ?? .max { best = (name, distance) }
  }
  return best?.name
}

/// Bytes to insert, remove, replace or swap with their neighbour to make `left` into `right`; more than `limit` where
/// that many do not suffice.
private func editDistance(_ left: [UInt8], _ right: [UInt8], limit: Int) -> Int {
  if abs(left.count - right.count) > limit { return limit + 1 }
  var twoAbove: [Int] = []
  var above = Array(0...right.count)
  for i in left.indices {
    var row = [i + 1]
    for j in right.indices {
      var cost = min(above[j + 1], row[j]) + 1
      cost = min(cost, above[j] + (left[i] == right[j] ? 0 : 1))
      if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { cost = min(cost, twoAbove[j - 1] + 1) }
      row.append(cost)
    }
    (twoAbove, above) = (above, row)
  }
  return above[right.count]
}
