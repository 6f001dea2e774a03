import Model
@testable import PromQL
import TestKit
import Testing

@testable import Rules

@Suite("Rules.AlertTemplate beside Prometheus", .serialized)
struct TemplatePeerTests {
  /// Evaluates expressions that read no series.
  static func context() -> TemplateContext {
    var context = AlertTemplateTests.context()
    let engine = Engine()
    context.query = { (text, time) throws(QueryError) in
      switch try engine.instant(text, at: time, limits: QueryLimits(), over: NoSeries()).value {
      case .vector(let samples): return samples
      case .scalar(let time, let value):
        return [VectorSample(labels: .empty, timestamp: time, value: .float(value))]
      default: throw .execution("rule result is not a vector or scalar")
      }
    }
    return context
  }

  static func rules(_ texts: [String]) -> String {
    let annotations = texts.enumerated().map { "          t\($0.offset): \(quotedYAML($0.element))" }
    return """
      groups:
      - name: g
        interval: 1s
        rules:
        - alert: A
          expr: \(quotedYAML(TemplateCorpus.expression))
          annotations:
      \(annotations.joined(separator: "\n"))

      """
  }

  /// A text in double quotes, as YAML reads it.
  private static func quotedYAML(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  @Test(
    "what Prometheus makes of a template is what we make of it, failures included",
    .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
  func sameTexts() throws {
    let directory = try TemporaryDirectory("templates")
    let rules = try directory.write(Self.rules(TemplateCorpus.readable), to: "rules.yml")
    let configuration = try directory.write(
      "global: {external_labels: {cluster: eu}}\nrule_files: [\(rules)]\n", to: "prometheus.yml")
    let prometheus = try ServerProcess.prometheus(
      data: directory.path("data"), configuration: configuration,
      ["--web.external-url=http://example.org/prom", "--web.route-prefix=/"])
    let annotations = try eventually(within: .seconds(30), every: .milliseconds(100)) { () -> JSONValue? in
      let alerts = try JSONValue(parsing: Array(prometheus.get("/api/v1/alerts").text.utf8))["data"]["alerts"]
      return alerts.array?.first.map { $0["annotations"] }
    }
    let context = Self.context()
    for (index, text) in TemplateCorpus.readable.enumerated() {
      let own = try AlertTemplate(text, name: "A").expand(context)
      guard let peer = annotations?["t\(index)"].string else {
        Issue.record("no annotation of \(text)")
        continue
      }
      #expect(own.text == peer, "\(text)")
      #expect((own.error != nil) == peer.hasPrefix("<error expanding template: "), "\(text)")
    }
  }

  @Test(
    "what promtool refuses is refused with its words",
    .enabled(if: PeerBinary.promtool.isExpected, Comment(rawValue: PeerBinary.promtool.absence)))
  func sameRefusals() throws {
    let directory = try TemporaryDirectory("templates")
    let rules = try directory.write(Self.rules(TemplateCorpus.refused), to: "rules.yml")
    let promtool = try ChildProcess(try PeerBinary.promtool.path(), ["check", "rules", rules])
    _ = promtool.wait(within: .seconds(20))
    let told = promtool.standardError.text
    for (index, text) in TemplateCorpus.refused.enumerated() {
      do throws(TemplateError) {
        _ = try AlertTemplate(text, name: "A")
        Issue.record("not refused: \(text)")
      } catch {
        #expect(told.contains("annotation \"t\(index)\": \(error)\n"), "\(text): \(error)")
      }
    }
  }
}

/// A store without series.
private struct NoSeries: SeriesSource, SeriesSelection {
  private final class Reader: SeriesReader {
    func read(_ index: Int, into column: inout SampleColumn) throws(QueryError) {}
  }

  var count: Int { 0 }
  func select(_ request: SelectionRequest) throws(QueryError) -> any SeriesSelection { self }
  func labels(_ index: Int) -> Labels { .empty }
  func makeReader() -> any SeriesReader { Reader() }
}
