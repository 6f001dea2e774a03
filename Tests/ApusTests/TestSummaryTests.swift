import TestKit
import Testing

/// What a run of the tests says at its end, made from the records that `swift test` writes.
@Suite("The summary of a test run")
struct TestSummaryTests {
  private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  private static func event(_ kind: String, _ symbol: String, _ text: String, _ id: String = "") -> String {
    let quoted = text.replacing("\"", with: "\\\"").replacing("/", with: "\\/")
    let test = id.isEmpty ? "" : ",\"testID\":\"\(id.replacing("/", with: "\\/"))\""
    return "{\"kind\":\"event\",\"payload\":{\"kind\":\"\(kind)\",\"messages\":[{\"symbol\":\"\(symbol)\","
      + "\"text\":\"\(quoted)\"}]\(test)},\"version\":0}"
  }

  private func summary(_ events: [String], _ output: String = "") throws -> [Substring] {
    let directory = try TemporaryDirectory("apus-summary")
    let first = try directory.write(events.joined(separator: "\n") + "\n", to: "events")
    let second = try directory.write(output, to: "output")
    let child = try ChildProcess("\(Self.root)/scripts/test-summary", [first, second])
    #expect(child.wait(within: .seconds(60)) == .code(0), "\(child.standardError.complete())")
    return child.standardOutput.complete().split(separator: "\n")
  }

  @Test("names what failed and what was skipped, with the seed to replay, and ends with the closing line")
  func failed() throws {
    let lines = try summary(
      [
        Self.event("testStarted", "default", "Test started", "ATests.Outer/Inner/bad(_:)/B.swift:5:3"),
        Self.event(
          "testEnded", "fail", "Test \"x / \"symbol\":\"pass\"\" failed", "ATests.Outer/Inner/bad(_:)/B.swift:5:3"),
        Self.event("testEnded", "fail", "Test seeded() failed", "ATests.Fuzz/seeded()/F.swift:9:3"),
        Self.event("testEnded", "pass", "Test good() passed", "ATests.Fuzz/good()/F.swift:2:3"),
        Self.event("testEnded", "fail", "Suite Fuzz failed", "ATests.Fuzz"),
        Self.event("testSkipped", "skip", "Test \"peer\" skipped: \"no peer\"", "ATests.peer()/F.swift:3:3"),
        Self.event("runEnded", "fail", "Test run with 5 tests in 3 suites failed after 1 second with 2 issues."),
      ],
      "noise\nseed of words (ATests/F.swift seeded): APUS_SEED=77\nseed of more (ATests/F.swift good): APUS_SEED=78\n")
    #expect(
      lines == [
        "test: skipped 1:", "test:   Test \"peer\" skipped: \"no peer\"", "test: failed 2; to run one again:",
        "test:   scripts/test --filter 'ATests.Outer/Inner/bad'",
        "test:   APUS_SEED=77 scripts/test --filter 'ATests.Fuzz/seeded'",
        "✘ Test run with 5 tests in 3 suites failed after 1 second with 2 issues.",
      ])
  }

  @Test("a run that passed is its closing line")
  func passed() throws {
    let text = "Test run with 1 test in 1 suite passed after 1 second."
    #expect(
      try summary([
        Self.event("testEnded", "pass", "Test good() passed", "ATests.good()/F.swift:2:3"),
        Self.event("runEnded", "pass", text),
      ]) == ["✔ \(text)"])
  }

  @Test("a run that broke off names tests that had begun and not ended")
  func brokenOff() throws {
    let lines = try summary([
      Self.event("testStarted", "default", "Test a() started.", "ATests.S/a()/F.swift:2:3"),
      Self.event("testStarted", "default", "Test b() started.", "ATests.S/b()/F.swift:4:3"),
      Self.event("testEnded", "pass", "Test a() passed", "ATests.S/a()/F.swift:2:3"),
    ])
    #expect(
      lines == [
        "test: the run broke off; of 1 tests that were running or waiting, the last to start:",
        "test:   scripts/test --filter 'ATests.S/b'",
      ])
  }
}
