import Format
import Management
import Model
import Testing

struct ManagementWireTests {
  private func request(
    _ operation: ManagementOperation = .createWorkspace, query: [(name: String, value: String)] = [],
    body: String = "{}"
  ) throws -> ManagementRequest {
    let document = try Array(body.utf8).withUnsafeBytes { bytes in try ManagementRequest.body(LentBytes(bytes)) }
    return ManagementRequest(operation, requestID: "r", query: query, body: document)
  }

  @Test("there are 44 operations, and no two have the same method and path")
  func operations() {
    let all = ManagementOperation.allCases
    #expect(all.count == 44)
    #expect(Set(all.map { "\($0.method) \($0.pattern)" }).count == 44)
    #expect(ManagementOperation.updateWorkspaceAlias.status == 204)
    #expect(ManagementOperation.updateWorkspaceConfiguration.method == .patch)
    #expect(ManagementOperation.tagResource.status == 200 && ManagementOperation.untagResource.method == .delete)
    #expect(ManagementOperation.createWorkspace.action.name == "aps:CreateWorkspace")
  }

  @Test("a body is one JSON object or nothing, whatever else it holds", arguments: ["[]", "{", "3", "{}x", "\u{0}"])
  func wrongBody(_ text: String) throws {
    let error = #expect(throws: ManagementError.self) { try request(body: text) }
    #expect(error?.kind == .validation && error?.members == ["\"reason\":\"CANNOT_PARSE\""])
  }

  @Test("members keep their rules, and the error names the one that does not")
  func members() throws {
    let read = try request(body: "{\"alias\":\"\",\"n\":1.5,\"data\":\"%\",\"none\":null,\"more\":{}}")
    #expect(try read.text("none", length: 1...2) == nil)
    let error = #expect(throws: ManagementError.self) { try read.text("alias", length: 1...100) }
    #expect(
      error?.members.last == """
        "fieldList":[{"name":"alias","message":"must have 1 to 100 characters, this has 0"}]
        """)
    #expect(throws: ManagementError.self) { try read.integer("n", 0...5) }
    #expect(throws: ManagementError.self) { try read.blob("data", bytesMax: 5) }
    #expect(throws: ManagementError.self) { try read.requiredText("none", length: 1...2) }
  }

  @Test("the fingerprint of a request does not know its token, and knows all else")
  func fingerprint() throws {
    let one = try request(body: "{\"clientToken\":\"a\",\"alias\":\"x\",\"tags\":{\"k\":\"v\",\"l\":\"w\"}}")
    let same = try request(body: "{\"tags\":{\"l\":\"w\",\"k\":\"v\"},\"alias\":\"x\",\"clientToken\":\"b\"}")
    let other = try request(body: "{\"clientToken\":\"a\",\"alias\":\"y\",\"tags\":{\"k\":\"v\",\"l\":\"w\"}}")
    #expect(one.fingerprint == same.fingerprint && one.fingerprint != other.fingerprint)
    #expect(try one.clientToken() == "a")
  }

  @Test("pages hold all elements once, and the last one has no token")
  func pages() throws {
    let all = (0..<25).map { "w\($0)" }
    var seen: [String] = []
    var query = [(name: "maxResults", value: "10")]
    var sizes: [Int] = []
    while true {
      let page = try ManagementPage(request(.listWorkspaces, query: query)).of(all) { $0 }
      seen += page.elements
      sizes.append(page.elements.count)
      guard let next = page.next else { break }
      query = [(name: "maxResults", value: "10"), (name: "nextToken", value: next)]
    }
    #expect(seen == all.sorted() && sizes == [10, 10, 5])
    for wrong in ["0", "1001", "x"] {
      #expect(throws: ManagementError.self) { try ManagementPage(request(query: [(name: "maxResults", value: wrong)])) }
    }
    #expect(throws: ManagementError.self) { try ManagementPage(request(query: [(name: "nextToken", value: "?")])) }
  }

  @Test("a time is a number of seconds, a blob is base64, and an answer tells its request")
  func answer() throws {
    var members = ManagementJSON()
    members.add("createdAt", milliseconds: 1_700_000_000_250)
    members.add("data", blob: Array("a\n".utf8))
    members.add(status: "ACTIVE")
    members.add("tags", ["b": "2", "a": "1"])
    #expect(
      members.text == """
        {"createdAt":1700000000.250,"data":"YQo=","status":{"statusCode":"ACTIVE"},"tags":{"a":"1","b":"2"}}
        """)
    let response = ManagementAnswer(try request(), members).response(requestID: "id")
    #expect(response.status == 202 && response.headers.contains { $0 == ("x-amzn-RequestId", "id") })
  }

  @Test("a UUID has its shape")
  func uuid() {
    #expect(ManagementID.uuid(0, 0) == "00000000-0000-4000-8000-000000000000")
    #expect(ManagementID.uuid(.max, .max) == "ffffffff-ffff-4fff-bfff-ffffffffffff")
  }
}
