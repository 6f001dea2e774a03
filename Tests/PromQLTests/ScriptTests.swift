import TestKit
import Testing

@testable import PromQL

/// Folders of scripts in the language of Prometheus's own tests.
enum ScriptFolder {
  private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  /// Our own, part of the repository.
  static let own = root + "/Tests/Scripts"
  /// Those that Prometheus runs against its engine: not part of the repository.
  static let reference = environmentVariable("APUS_PROMQL_SCRIPTS") ?? root + "/../shared/promqltest"
  static let referenceAbsence = Comment(
    rawValue: "no scripts of the reference in \(reference): APUS_PROMQL_SCRIPTS names their folder")

  static func names(in folder: String) -> [String] { namesInFolder(folder).filter { $0.hasSuffix(".test") } }

  static func text(_ name: String, in folder: String) throws -> String {
    String(decoding: try #require(readFile(folder + "/" + name)), as: UTF8.self)
  }
}

struct ScriptTests {
  @Test("our own scripts are there")
  func complete() throws {
    let texts = try ScriptFolder.names(in: ScriptFolder.own).map { try ScriptFolder.text($0, in: ScriptFolder.own) }
    let cases = texts.map { $0.split(separator: "\n").count { $0.hasPrefix("eval") } }.reduce(0, +)
    #expect(texts.count >= 13 && cases >= 600, "\(cases) cases in \(texts.count) scripts")
  }

  @Test(
    "every case of our own scripts has the answer written there", arguments: ScriptFolder.names(in: ScriptFolder.own))
  func own(name: String) throws { try run(name, in: ScriptFolder.own) }

  @Test(
    "every case of a script of the reference is answered as there",
    .enabled(if: !ScriptFolder.names(in: ScriptFolder.reference).isEmpty, ScriptFolder.referenceAbsence),
    arguments: ScriptFolder.names(in: ScriptFolder.reference))
  func shared(name: String) throws { try run(name, in: ScriptFolder.reference) }

  private func run(_ name: String, in folder: String) throws {
    var runner = ScriptRunner(try ScriptFolder.text(name, in: folder))
    runner.run()
    #expect(runner.caseCount > 0)
    for failure in runner.failures { Issue.record("\(name) \(failure)") }
  }
}
