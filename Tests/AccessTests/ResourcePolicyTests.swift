import HTTP
import Testing

@testable import Access

@Suite("Policies of workspaces")
struct ResourcePolicyTests {
  private static let arn = "arn:aws:aps:eu-west-1:000000000000:workspace/ws-1"

  private static func policy(_ statements: String) throws(ResourcePolicyError) -> ResourcePolicy {
    try ResourcePolicy(
      "{\"Version\":\"2012-10-17\",\"Statement\":[\(statements)]}", of: arn, account: "000000000000")
  }

  private static func statement(_ effect: String, _ principal: String, _ action: String) -> String {
    "{\"Effect\":\"\(effect)\",\"Principal\":\(principal),\"Action\":\(action),\"Resource\":\"\(arn)\"}"
  }

  @Test("principals are named by user, role, session, name or everybody; those of other accounts are nobody")
  func principals() throws {
    for (principal, names) in [
      ("\"*\"", ["a", "b"]), ("{\"AWS\":\"*\"}", ["a", "b"]),
      ("{\"AWS\":\"arn:aws:iam::000000000000:root\"}", ["a", "b"]),
      ("{\"AWS\":\"000000000000\"}", ["a", "b"]), ("{\"AWS\":[\"arn:aws:iam::000000000000:user/path/a\"]}", ["a"]),
      ("{\"AWS\":\"arn:aws:iam::000000000000:role/b\"}", ["b"]),
      ("{\"AWS\":\"arn:aws:sts::000000000000:assumed-role/a/session\"}", ["a"]),
      ("{\"AWS\":[\"a\",\"b\"]}", ["a", "b"]),
      ("{\"AWS\":\"arn:aws:iam::111111111111:user/a\"}", []), ("{\"AWS\":\"arn:aws:iam::111111111111:root\"}", []),
    ] {
      let policy = try Self.policy(Self.statement("Allow", principal, "\"aps:remotewrite\""))
      let allowed = ["a", "b", "path"].filter { $0 != "path" || names.isEmpty }.filter {
        policy.verdict($0, .remoteWrite) == .allow
      }
      #expect(allowed == names, "\(principal)")
      #expect(policy.verdict("a", .queryMetrics) == nil)
    }
  }

  @Test("a denial of either side wins; an allowance of either side is enough; what nobody says is refused")
  func together() throws {
    let allow = Self.statement("Allow", "{\"AWS\":\"a\"}", "[\"aps:QueryMetrics\",\"aps:GetLabels\"]")
    let policy = try Self.policy(allow + "," + Self.statement("Deny", "\"*\"", "\"aps:GetLabels\""))
    func may(_ statements: [PolicyStatement], _ name: String, _ action: RouteAction) -> Bool {
      AccessPolicy.allows(
        Principal(name: name, statements: statements), action, workspace: "ws-1", alias: nil,
        resource: policy.verdict(name, action))
    }
    let all = PolicyStatement(effect: .allow, actions: ["*"], workspaces: ["*"])
    let none = PolicyStatement(effect: .deny, actions: ["aps:Query*"], workspaces: ["*"])
    #expect(may([], "a", .queryMetrics) && !may([], "b", .queryMetrics) && !may([], "a", .remoteWrite))
    #expect(!may([all], "a", .getLabels) && !may([all], "b", .getLabels) && may([all], "b", .getSeries))
    #expect(!may([none], "a", .queryMetrics))
  }

  @Test(
    "what this server would not evaluate is refused",
    arguments: [
      ("[]", "no JSON object"), ("{\"Statement\":[]}", "1 to 100"), ("{\"Statement\":1}", "no list Statement"),
      ("{\"Version\":\"2020-01-01\",\"Statement\":[{}]}", "Version"), ("{\"X\":1}", "the key X"),
      ("{\"Statement\":[{\"Effect\":\"allow\"}]}", "neither Allow nor Deny"),
      ("{\"Statement\":[{\"Effect\":\"Allow\",\"Condition\":{}}]}", "does not evaluate Condition"),
      ("{\"Statement\":[{\"Effect\":\"Allow\",\"NotAction\":[]}]}", "does not evaluate NotAction"),
      ("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"aps:*\"}]}", "the action aps:* is none of"),
      ("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[]}]}", "neither a text nor a list"),
      (
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"aps:GetSeries\",\"Resource\":\"arn:x\"}]}",
        "is not this workspace"
      ),
      (
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"aps:GetSeries\",\"Resource\":\"*\",\"Principal\":{\"Service\":\"x\"}}}",
        "neither \"*\" nor"
      ),
      (
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"aps:GetSeries\",\"Resource\":\"*\",\"Principal\":{\"AWS\":\"arn:aws:iam::1:x\"}}}",
        "no user and no role"
      ),
    ])
  func refused(_ document: String, _ part: String) {
    do throws(ResourcePolicyError) {
      _ = try ResourcePolicy(document, of: Self.arn, account: "000000000000")
      Issue.record("taken: \(document)")
    } catch { #expect(error.description.contains(part), "\(error)") }
  }
}
