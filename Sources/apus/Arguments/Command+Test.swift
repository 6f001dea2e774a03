import Model
import Rules

// `apus test rules`.
extension Command {
  static let testNames = ["rules"]
  private static let testFeatures = [
    "promql-experimental-functions", "promql-extended-range-selectors", "promql-binop-fill-modifiers",
    "promql-delayed-name-removal",
  ]

  /// Parses the arguments behind `test`.
  static func test(_ arguments: ArraySlice<String>) throws(ArgumentError) -> Command {
    // Flags may stand in front of the word, as with promtool.
    let name = arguments.first { !$0.hasPrefix("-") }
    guard let name, testNames.contains(name), let place = arguments.firstIndex(of: name) else {
      throw ArgumentError(
        name.map { "apus test: \($0) cannot be tested, only rules" + ServeOptions.hint($0, in: testNames) }
          ?? "apus test: what is to be tested is missing (rules)")
    }
    let words = try TSDBWords(
      name, arguments[..<place] + arguments[arguments.index(after: place)...],
      flags: ["diff", "debug", "ignore-unknown-fields"], valued: ["run", "junit", "enable-feature"],
      positionsMax: TestRules.filesMax, of: "apus test")
    guard !words.positions.isEmpty else {
      throw ArgumentError("apus test rules: a file is missing: apus test rules FILE...")
    }
    var command = TestRules(files: words.positions)
    command.runs = words.all("run")
    command.junitFile = words.text("junit")
    command.showsDiff = words.has("diff")
    command.debugs = words.has("debug")
    command.ignoresUnknownKeys = words.has("ignore-unknown-fields")
    for text in words.all("enable-feature") {
      for feature in text.split(separator: ",").map(String.init) {
        guard FeatureTable.byName[feature] != nil else {
          throw ArgumentError(
            "--enable-feature: unknown feature \(feature)" + ServeOptions.hint(feature, in: testFeatures))
        }
        command.features.insert(feature)
      }
    }
    do throws(RegexError) { _ = try command.options() } catch { throw ArgumentError("--run: \(error)") }
    return .testRules(command)
  }
}
