import Access
import Testing

struct CredentialsFileTests {
  private func read(_ text: String) throws(AccessFileError) -> CredentialIndex {
    try CredentialsFile.read(Array(text.utf8), path: "c.yml", generation: 7) { (name) throws(AccessFileError) in
      if name == "missing" { throw AccessFileError("open missing: no such file or directory") }
      return "from \(name)"
    }
  }

  private static let digest = String(repeating: "ab", count: 32)
  static let hash = "$2b$05$abcdefghijklmnopqrstuuHIrMEWpUCQe2YqFR3sXwQ75u4od..9q"

  @Test("every key of the file")
  func whole() throws {
    let index = try read(
      """
      signatures: {region: eu-west-1, presigned: true, unsigned_payload: true, empty_service: false, max_skew: 1m}
      principals:
        - name: grafana
          access_keys:
            - {id: AKIA1, secret: s1, not_after: 2026-12-31}
            - {id: AKIA2, secret_file: key2, session_token: t}
          bearer_sha256: [\(Self.digest)]
          password_bcrypt: "\(Self.hash)"
          certificate_sans: [grafana.example]
          statements:
            - {effect: Allow, actions: ["aps:Query*", "aps:Get*"], workspaces: [ws-1, "team-*"]}
            - {effect: Deny, actions: ["*"], workspaces: [team-x]}
        - name: nobody
      """)
    #expect(index.principals.map(\.name) == ["grafana", "nobody"])
    #expect(index.principals[0].statements.count == 2 && index.principals[0].statements[1].effect == .deny)
    #expect(index.keys["AKIA1"]?.secret == "s1" && index.keys["AKIA1"]?.notAfter == 1_798_675_200_000)
    #expect(index.keys["AKIA2"]?.secret == "from key2" && index.keys["AKIA2"]?.sessionToken == "t")
    #expect(index.keys["AKIA2"]?.generation == 7)
    #expect(index.bearers.count == 1 && index.users["grafana"] != nil && index.certificates["grafana.example"] != nil)
    #expect(index.signatures.region == "eu-west-1" && index.signatures.takesPresigned)
    #expect(!index.signatures.takesEmptyService && index.signatures.skewMilliseconds == 60_000)
    #expect(try read("").principals.isEmpty)
  }

  @Test(
    "files that would not do what they say are refused, with the place",
    arguments: [
      ("users: []", "1:1: the file has no key \"users\"", "1:8"),
      ("principals: {a: b}", "a list is needed", "1:13"),
      ("principals: [{}]", "has no name", "1:14"),
      ("principals: [{name: a}, {name: a}]", "two principals are named \"a\"", "1:32"),
      ("principals: [{name: a, access_keys: [{id: x}]}]", "either secret or secret_file", ""),
      (
        "principals: [{name: a, access_keys: [{id: x, secret: s, secret_file: f}]}]", "either secret or secret_file", ""
      ),
      ("principals: [{name: a, access_keys: [{id: x/y, secret: s}]}]", "slash", ""),
      ("principals: [{name: a, access_keys: [{id: x, secret: ''}]}]", "is empty", ""),
      ("principals: [{name: a, access_keys: [{id: x, secret_file: missing}]}]", "no such file", ""),
      ("principals: [{name: a, access_keys: [{id: x, secret: s, not_after: soon}]}]", "no time such as", ""),
      (
        "principals: [{name: a, access_keys: [{id: x, secret: s}]}, {name: b, access_keys: [{id: x, secret: t}]}]",
        "two access keys have the id \"x\"", ""
      ),
      ("principals: [{name: a, bearer_sha256: [token]}]", "64 hexadecimal digits", ""),
      ("principals: [{name: a, password_bcrypt: secret}]", "no bcrypt hash", ""),
      (
        "principals: [{name: a, password_bcrypt: \"$2b$20$abcdefghijklmnopqrstuuHIrMEWpUCQe2YqFR3sXwQ75u4od..9q\"}]",
        "cost 20", ""
      ),
      (
        "principals: [{name: a, statements: [{effect: Maybe, actions: ['*'], workspaces: ['*']}]}]", "Allow or Deny", ""
      ),
      (
        "principals: [{name: a, statements: [{effect: Deny, actions: ['aps:Wrte'], workspaces: ['*']}]}]",
        "there is no action", ""
      ),
      ("principals: [{name: a, statements: [{effect: Deny, actions: ['*']}]}]", "has actions and workspaces", ""),
      ("principals: [{name: a, statement: []}]", "has no key \"statement\"", ""),
      ("signatures: {max_skew: 1d}", "from 1s to 15m", ""),
      ("principals: [", "c.yml:", ""),
    ])
  func refused(text: String, words: String, place: String) {
    let error = #expect(throws: AccessFileError.self) { try read(text) }
    let shown = error?.description ?? ""
    #expect(shown.contains(words.drop { $0.isNumber || $0 == ":" || $0 == " " }) && shown.contains(place), "\(shown)")
  }
}
