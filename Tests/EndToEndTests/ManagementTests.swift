import Format
import Model
import TestKit
import Testing

extension EndToEnd {
  /// The management API over real connections, with AWS's own client.
  @Suite struct Management {
    private static let isThere = PeerBinary.moto.isExpected
    private static let flags = ["--web.enable-management-api"]

    @Test(
      "boto3 makes, names, tags, changes, lists and deletes workspaces, and what it leaves survives a kill",
      .enabled(if: isThere, Comment(rawValue: PeerBinary.moto.absence)))
    func boto() throws {
      let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
      let site = try Site()
      var server = try site.start(Self.flags)
      let client = try ChildProcess(
        try PeerBinary.moto.path(), [root + "/Tests/Scripts/management.py", "http://127.0.0.1:\(server.port)"])
      let exit = client.wait(within: .seconds(60))
      try #require(exit == .code(0), "\(client.standardError.text.suffix(2000))")
      let id = String(client.standardOutput.text.prefix { $0 != "\n" })
      #expect(id.hasPrefix("ws-"))
      let body = EndToEnd.counting("left", from: EndToEnd.recentTimestamp(), count: 3)
      #expect(try server.write(body, to: "/workspaces/\(id)/api/v1/remote_write").status == 204)
      server.child.killAndReap()
      server = try site.start(Self.flags)
      #expect(try server.get("/workspaces/\(id)").text.contains("\"alias\":\"kept\""))
      #expect(try server.get("/workspaces/\(id)/api/v1/labels").text.contains("__name__"))
      let gone = try server.request("DELETE", "/workspaces/\(id)")
      #expect(gone.status == 202 && gone.text.isEmpty)
      let absent = try server.get("/workspaces/\(id)")
      #expect(absent.status == 404 && absent.text.contains("ResourceNotFoundException"))
      #expect(try server.get("/workspaces/\(id)/api/v1/labels").status == 404)
    }

    @Test(
      "the calls of Terraform's provider find the states it waits for, and read back what they have written",
      .enabled(if: isThere, Comment(rawValue: PeerBinary.moto.absence)))
    func terraform() throws {
      let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
      let site = try Site()
      let server = try site.start(Self.flags)
      let client = try ChildProcess(
        try PeerBinary.moto.path(), [root + "/Tests/Scripts/terraform.py", "http://127.0.0.1:\(server.port)"])
      let exit = client.wait(within: .seconds(60))
      try #require(exit == .code(0), "\(client.standardError.text.suffix(2000))")
      #expect(client.standardOutput.text == "walked\n")
    }

    @Test("without its flag the management API makes nothing and says what to do")
    func closed() throws {
      let site = try Site()
      let server = try site.start()
      let answer = try server.request("POST", "/workspaces", body: Array("{}".utf8))
      #expect(answer.status == 403 && answer.text.contains("--web.enable-management-api"), "\(answer.text)")
      #expect(try server.get("/workspaces/default").status == 403)
    }
  }
}
