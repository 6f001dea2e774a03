/// Figures of several servers, printed as a Markdown table with each server's ratio to Apus. A plain value.
struct FigureTable {
  private struct Row {
    var name: String
    var figures: [Double?]
    var digits: Int
  }

  private let title: String
  private var columns: [String] = []
  private var rows: [Row] = []

  init(_ title: String) { self.title = title }

  /// Adds a server's column; figures keep their order in every column.
  mutating func add(_ server: String, _ figures: [(name: String, value: Double?, digits: Int)]) {
    if rows.isEmpty { rows = figures.map { Row(name: $0.name, figures: [], digits: $0.digits) } }
    precondition(rows.map(\.name) == figures.map(\.name), "all servers report the same figures")
    columns.append(server)
    for (index, figure) in figures.enumerated() { rows[index].figures.append(figure.value) }
  }

  static func number(_ value: Double, _ digits: Int) -> String { value.isFinite ? grouped(value, digits) : "-" }

  var text: String {
    let reference = columns.firstIndex(of: "apus")
    var header = ["figure"] + columns
    if reference != nil { header += columns.filter { $0 != "apus" }.map { "apus / \($0)" } }
    var lines = [header]
    for row in rows {
      var cells = [row.name] + row.figures.map { $0.map { grouped($0, row.digits) } ?? "-" }
      if let reference {
        for (index, figure) in row.figures.enumerated() where index != reference {
          cells.append(ratio(row.figures[reference], figure))
        }
      }
      lines.append(cells)
    }
    return "\(title)\n\n" + markdownTable(lines)
  }

  private func ratio(_ own: Double?, _ other: Double?) -> String {
    guard let own, let other, other != 0 else { return "-" }
    return fixed(own / other, 2)
  }
}

/// 1234567.8 with 1 digit: 1,234,567.8
private func grouped(_ value: Double, _ digits: Int) -> String {
  let text = fixed(value, digits)
  let whole = text.prefix { $0 != "." }
  var result = ""
  for (index, character) in whole.enumerated() {
    if index > 0, (whole.count - index) % 3 == 0, result != "-" { result.append(",") }
    result.append(character)
  }
  return result + text.dropFirst(whole.count)
}

private func fixed(_ value: Double, _ digits: Int) -> String {
  var scale = 1
  for _ in 0..<digits { scale *= 10 }
  let scaled = Int((abs(value) * Double(scale)).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(scaled)" }
  return "\(sign)\(scaled / scale)." + String(String(scale + scaled % scale).dropFirst())
}
