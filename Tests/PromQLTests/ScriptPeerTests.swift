import TestKit
import Testing

/// What our own scripts expect is what a real Prometheus answers.
struct ScriptPeerTests {
  /// The features of the language that the scripts use; older promtools do not know them.
  private static let features = "promql-experimental-functions,promql-delayed-name-removal"

  /// True where promtool knows the features, and where it is missing although it is required.
  private static let isExpected: Bool = {
    guard let path = try? PeerBinary.promtool.path() else { return PeerBinary.areRequired }
    guard let help = try? ChildProcess(path, ["--help"]) else { return true }
    _ = help.wait(within: .seconds(30))
    return (help.standardOutput.complete() + help.standardError.complete()).contains("promql-delayed-name-removal")
  }()

  private static let absence: Comment = "no promtool of Prometheus 3 or newer: run scripts/peers, or set APUS_PEERS"

  /// What promtool cannot judge, as the script says.
  private static let beyond = "beyond.test"

  @Test(
    "promtool agrees with every case of our own scripts", .enabled(if: isExpected, absence),
    arguments: ScriptFolder.names(in: ScriptFolder.own).filter { $0 != beyond })
  func verdict(name: String) throws {
    let script = try PromtoolScript(try ScriptFolder.text(name, in: ScriptFolder.own))
    let directory = try TemporaryDirectory("apus-script")
    let file = try directory.write(script.text, to: "rules.yml")
    let child = try ChildProcess(
      try PeerBinary.promtool.path(), ["--enable-feature=\(Self.features)", "test", "rules", file])
    let exit = child.wait(within: .seconds(60))
    let said = child.standardOutput.complete() + child.standardError.complete()
    let (differences, judged) = Self.differences(said)
    #expect(exit == .code(0) || judged > 0, "\(name): \(said.suffix(2000))")
    #expect(differences.isEmpty, "\(name): \(differences.joined(separator: "\n"))")
  }

  /// The cases that promtool complains about. NaN is not NaN to it: where it prints twice the same, there is no
  /// difference.
  private static func differences(_ output: String) -> (texts: [String], judged: Int) {
    var texts: [String] = []
    var judged = 0
    var (query, expected) = ("", "")
    for line in output.split(separator: "\n").map({ String($0).trimmed() }) {
      if line.hasPrefix("expr: ") { query = line }
      if line.contains("err: ") { texts.append(line) }
      if line.hasPrefix("exp: ") { expected = String(line.dropFirst("exp: ".count)) }
      guard line.hasPrefix("got: ") else { continue }
      judged += 1
      let found = line.dropFirst("got: ".count)
      if found != expected { texts.append("\(query) is \(found), not \(expected)") }
    }
    return (texts, judged)
  }
}
