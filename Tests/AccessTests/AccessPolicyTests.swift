import Access
import HTTP
import TestKit
import Testing

struct AccessPolicyTests {
  private func allows(_ statements: [PolicyStatement], _ action: String, _ workspace: String, alias: String? = nil)
    -> Bool
  {
    AccessPolicy.allows(statements, RouteAction(action), workspace: workspace, alias: alias)
  }

  @Test("nothing allowed is refused, a denial wins, patterns and aliases count")
  func rules() {
    let read = PolicyStatement(effect: .allow, actions: ["aps:Query*"], workspaces: ["ws-1", "team-*"])
    let deny = PolicyStatement(effect: .deny, actions: ["aps:*"], workspaces: ["team-x"])
    #expect(!allows([], "aps:QueryMetrics", "ws-1"))
    #expect(allows([read], "aps:QueryMetrics", "ws-1"))
    #expect(allows([read], "APS:querymetrics", "WS-1"))
    #expect(!allows([read], "aps:RemoteWrite", "ws-1"))
    #expect(!allows([read], "aps:QueryMetrics", "ws-10"))
    #expect(allows([read], "aps:QueryMetrics", "ws-2", alias: "team-a"))
    #expect(!allows([read, deny], "aps:QueryMetrics", "ws-2", alias: "team-x"))
    #expect(!allows([deny, read], "aps:QueryMetrics", "team-x"))
    #expect(allows([read, deny], "aps:QueryMetrics", "team-y"))
  }

  @Test("random statements have the verdict of a plain model")
  func random() {
    var numbers = RandomSource(for: "policies")
    let words = ["a", "b", "ab", "ba", "aab", ""]
    let patterns = ["*", "a*", "*b", "a*b", "ab", "b", "*a*b*", "**"]
    // A pattern as a set of words, by hand.
    func matches(_ pattern: String, _ word: String) -> Bool {
      let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
      if parts.count == 1 { return pattern == word }
      guard word.hasPrefix(parts[0]), word.hasSuffix(parts[parts.count - 1]) else { return false }
      guard word.count >= parts[0].count + parts[parts.count - 1].count else { return false }
      var rest = word.dropFirst(parts[0].count).dropLast(parts[parts.count - 1].count)
      for part in parts[1..<(parts.count - 1)] where !part.isEmpty {
        guard let found = rest.firstRange(of: part) else { return false }
        rest = rest[found.upperBound...]
      }
      return true
    }
    for _ in 0..<2000 {
      let statements = (0..<numbers.below(4)).map { _ in
        PolicyStatement(
          effect: numbers.below(3) == 0 ? .deny : .allow, actions: [patterns[numbers.below(patterns.count)]],
          workspaces: [patterns[numbers.below(patterns.count)]])
      }
      let (action, workspace) = (words[numbers.below(words.count)], words[numbers.below(words.count)])
      let covering = statements.filter { matches($0.actions[0], action) && matches($0.workspaces[0], workspace) }
      let wanted = !covering.isEmpty && covering.allSatisfy { $0.effect == .allow }
      #expect(allows(statements, action, workspace) == wanted, "\(statements) \(action) \(workspace)")
    }
  }
}
