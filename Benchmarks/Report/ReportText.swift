/// The report as Markdown: what it stands under, the table of all rows, one of the queries, and the notes. A plain value.
struct ReportText {
  private let report: Report
  private var notes: [String] = []

  init(_ report: Report) { self.report = report }

  private var peers: [Contender] { report.contenders.contains(.apus) ? report.contenders.filter { $0 != .apus } : [] }

  var text: String {
    var copy = self
    return copy.make()
  }

  private mutating func make() -> String {
    var lines = ["# Apus beside its peers, size \(report.sizeName)", ""]
    lines += report.facts.lines.map { "- \($0.name): \($0.value)" }
    lines += ["", figures()]
    if let queries = report.queries, !queries.figures.isEmpty {
      lines += ["Milliseconds of a query: CPU of the server, and latency at the client.", "", perQuery(queries)]
    }
    notes += report.failures.map { "failed: " + $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
    if report.sizeName != ReportSize.full.name { notes.append("The bars are set for the size full.") }
    if !notes.isEmpty { lines += notes.map { "- \($0)" } + [""] }
    lines += report.hashes.map { "- bytes sent for \($0.part), hash \(String($0.hash, radix: 16))" }
    return lines.joined(separator: "\n")
  }

  private mutating func figures() -> String {
    var table = [
      ["figure"] + report.contenders.map(\.rawValue) + peers.map { "apus / \($0.rawValue)" } + ["bar", "met"]
    ]
    for row in report.rows {
      var cells = [row.name + mark(row.notes[nil], nil)]
      for contender in report.contenders {
        let figure = row.figures[contender].map { FigureTable.number($0, row.digits) } ?? "-"
        cells.append(figure + mark(row.notes[contender], contender))
      }
      cells += peers.map { row.ratio(to: $0).map { FigureTable.number($0, 2) } ?? "-" }
      let bars = row.bars.map(\.text).joined(separator: ", ")
      table.append(cells + [bars.isEmpty ? "-" : bars, row.verdict])
    }
    return markdownTable(table, left: [0, table[0].count - 2, table[0].count - 1])
  }

  private func perQuery(_ queries: QueryFigures) -> String {
    let asked = report.contenders.filter { queries.figures[$0] != nil }
    let compared = peers.filter { asked.contains($0) && asked.contains(.apus) }
    var table = [
      ["query"] + asked.map { "\($0.rawValue), CPU" } + compared.map { "apus / \($0.rawValue)" }
        + asked.map { "\($0.rawValue), latency" }
    ]
    for (index, query) in DashboardQuery.mix.enumerated() {
      var cells = [query.name]
      cells += asked.map { FigureTable.number(milliseconds(queries.figures[$0]?[index].cpuSeconds ?? .nan), 2) }
      cells += compared.map { FigureTable.number(queries.ratios(to: $0, \.cpuSeconds)[index], 2) }
      cells += asked.map { FigureTable.number(milliseconds(queries.figures[$0]?[index].wallSeconds ?? .nan), 2) }
      table.append(cells)
    }
    return markdownTable(table)
  }

  /// The number of a note, which is added where it is new.
  private mutating func mark(_ note: String?, _ contender: Contender?) -> String {
    guard let note else { return "" }
    let oneLine = note.split(whereSeparator: \.isNewline).joined(separator: " ")
    let text = contender.map { "\($0.rawValue): " } ?? ""
    if let known = notes.firstIndex(where: { $0.hasSuffix(") " + text + oneLine) }) { return " (\(known + 1))" }
    notes.append("(\(notes.count + 1)) \(text)\(oneLine)")
    return " (\(notes.count))"
  }
}
