/// Rows of text as a Markdown table that is also readable as it is; the columns named in `left` are
/// aligned to the left, numbers to the right.
func markdownTable(_ rows: [[String]], left: Set<Int> = [0]) -> String {
  guard let header = rows.first else { return "" }
  let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  var lines = rows.map { cells in
    "| "
      + cells.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return left.contains(column) ? text + space : space + text
      }.joined(separator: " | ") + " |"
  }
  let rule = widths.enumerated().map { column, width in
    left.contains(column) ? String(repeating: "-", count: width + 2) : String(repeating: "-", count: width + 1) + ":"
  }
  lines.insert("|" + rule.joined(separator: "|") + "|", at: 1)
  return lines.joined(separator: "\n") + "\n"
}
