import Glibc
import TestKit

/// The report for programs: the same figures, unrounded, with names that stay. A plain value.
///
///     {"size", "facts": {name: text}, "rows": [{"id", "name", "figures": {server: number|null}, "ratios": {peer: number|null},
///       "bars": [{"text", "met": bool|null}], "notes": [text]}],
///      "queries": [{"name", "expression", "cpuMilliseconds": {server: number}, "latencyMilliseconds": {server: number}}],
///      "hashes": {part: hexadecimal}}
struct ReportJSON {
  private let report: Report

  init(_ report: Report) { self.report = report }

  func write(to path: String) throws { try writeFile(text + "\n", to: path) }

  var text: String {
    object([
      ("size", quoted(report.sizeName)),
      ("facts", object(report.facts.lines.map { ($0.name, quoted($0.value)) })),
      ("rows", array(report.rows.map(row))),
      ("queries", array(queries)),
      ("hashes", object(report.hashes.map { ($0.part, quoted(String($0.hash, radix: 16))) })),
    ])
  }

  private func row(_ row: ReportRow) -> String {
    let bars = row.bars.map { bar in
      object([("text", quoted(bar.text)), ("met", row.isMet(bar).map { "\($0)" } ?? "null")])
    }
    let peers = report.contenders.filter { $0 != .apus }
    let notes = row.notes.map { contender, text in (contender.map { "\($0.rawValue): " } ?? "") + text }.sorted()
    return object([
      ("id", quoted(row.id)), ("name", quoted(row.name)),
      ("figures", object(report.contenders.map { ($0.rawValue, number(row.figures[$0])) })),
      ("ratios", object(peers.map { ($0.rawValue, number(row.ratio(to: $0))) })),
      ("bars", array(bars)), ("notes", array(notes.map(quoted))),
    ])
  }

  private var queries: [String] {
    guard let queries = report.queries else { return [] }
    let asked = report.contenders.filter { queries.figures[$0] != nil }
    func figures(_ index: Int, _ figure: KeyPath<QueryFigure, Double>) -> String {
      object(asked.map { ($0.rawValue, number(queries.figures[$0].map { milliseconds($0[index][keyPath: figure]) })) })
    }
    return DashboardQuery.mix.indices.map { index in
      object([
        ("name", quoted(DashboardQuery.mix[index].name)), ("expression", quoted(DashboardQuery.mix[index].expression)),
        ("cpuMilliseconds", figures(index, \.cpuSeconds)), ("latencyMilliseconds", figures(index, \.wallSeconds)),
      ])
    }
  }
}

func object(_ members: [(String, String)]) -> String {
  "{" + members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
}

func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

/// Null for what is not there, and for what JSON cannot say.
func number(_ value: Double?) -> String { value.flatMap { $0.isFinite ? "\($0)" : nil } ?? "null" }

func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

/// Replaces a file by `text`.
func writeFile(_ text: String, to path: String) throws {
  guard let file = fopen(path, "w") else {
    throw Trial.Failure(description: "\(path) cannot be written: \(String(cString: strerror(errno)))")
  }
  let written = fputs(text, file)
  guard fclose(file) == 0, written >= 0 else { throw Trial.Failure(description: "\(path) could not be written") }
}
