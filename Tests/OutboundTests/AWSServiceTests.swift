import Format
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import Outbound

@Suite("Requests to AWS") struct AWSServiceTests {
  private static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

  private func service(
    _ url: String, _ kind: AWSService.Kind = .ec2, token: String = "", retries: Int = 3
  ) throws -> AWSService {
    var settings = AWSSettings()
    settings.region = "eu-central-1"
    var environment = ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": Self.secret]
    environment["AWS_SESSION_TOKEN"] = token
    var surroundings = awsSurroundings(environment)
    surroundings.retries.triesMax = retries
    return try AWSSession(settings, client: ClientSettings(), surroundings).service(kind, endpoint: url) { false }
  }

  /// True if the signature is right, by what has arrived.
  private static func isSigned(_ head: String, _ service: String) -> Bool {
    let parts = head.components(of: "\r\n\r\n")
    let target = head.split(separator: " ")[1].split(separator: "?", maxSplits: 1)
    guard let authorization = headerValue("Authorization", in: head), let time = headerValue("X-Amz-Date", in: head),
      let names = authorization.components(of: "SignedHeaders=").last?.prefix(while: { $0 != "," }).split(
        separator: ";")
    else { return false }
    let signing = SigV4(region: "eu-central-1", service: service, time: time)
    let request = CanonicalRequest(
      method: String(head.prefix { $0 != " " }), path: String(target[0]),
      query: target.count > 1 ? String(target[1]) : "",
      headers: names.map { (String($0), headerValue(String($0), in: head) ?? "") },
      payloadHash: SHA256.hexDigest(of: Array(parts[1].utf8)))
    return authorization == signing.authorization(request, accessKey: "AKID", secretKey: secret)
      && ["host", "x-amz-date", "content-type"].allSatisfy { names.contains(Substring($0)) }
  }

  @Test("what arrives has the signature of what arrives")
  func signed() throws {
    let server = try ScriptedServer { _ in wireAnswer(200, "<a/>") }
    for (path, token) in [("", ""), ("/", "to/k+e=n"), ("/base/x%20y/?a=b%20c&A=", "")] {
      let call = AWSService.Call.form("DescribeThings", version: "1", [("Filter.1.Name", "tag:a b+c")])
      #expect(try service(server.url(path), token: token).send(call) { false } == Array("<a/>".utf8))
      let head = try #require(server.requests.last)
      #expect(Self.isSigned(head, "ec2"), "\(head)")
      #expect(headerValue("X-Amz-Date", in: head) == "20260301T000000Z")
      #expect(headerValue("X-Amz-Security-Token", in: head) == (token.isEmpty ? nil : token))
      #expect(headerValue("User-Agent", in: head) == "test")
      #expect(head.hasSuffix("Action=DescribeThings&Version=1&Filter.1.Name=tag%3Aa%20b%2Bc"))
    }
    var body = JSONBuffer()
    body.raw("{}")
    _ = try service(server.url("/"), .ecs).send(.json("ListClusters", target: "T", body)) { false }
    let head = try #require(server.requests.last)
    #expect(Self.isSigned(head, "ecs") && headerValue("X-Amz-Target", in: head) == "T.ListClusters")
    #expect(headerValue("Content-Type", in: head) == "application/x-amz-json-1.1")
  }

  @Test(
    "errors have AWS's code, message and request, from XML and from JSON",
    arguments: [
      (
        AWSService.Kind.ec2, 403,
        "<?xml version='1.0'?><Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are &lt;not&gt;"
          + "</Message></Error></Errors><RequestID>r-1</RequestID></Response>", [],
        "https response error StatusCode: 403, RequestID: r-1, api error UnauthorizedOperation: You are <not>"
      ),
      (
        .sts, 400,
        "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>m</Message></Error>"
          + "<RequestId>r-2</RequestId></ErrorResponse>", [],
        "https response error StatusCode: 400, RequestID: r-2, api error ValidationError: m"
      ),
      (
        .ecs, 400, #"{"__type":"com.amazonaws.ecs#ClusterNotFoundException","message":"Cluster not found."}"#,
        ["x-amzn-RequestId: r-3"],
        "https response error StatusCode: 400, RequestID: r-3, api error ClusterNotFoundException: Cluster not found."
      ),
      (
        .ecs, 400, "{}", ["x-amzn-ErrorType: AccessDeniedException:http://x/", "x-amzn-requestid: r-4"],
        "https response error StatusCode: 400, RequestID: r-4, api error AccessDeniedException: "
      ),
      (.ecs, 404, "<html>no", [], "https response error StatusCode: 404, RequestID: "),
    ] as [(AWSService.Kind, Int, String, [String], String)])
  func failures(_ kind: AWSService.Kind, _ status: Int, _ body: String, _ headers: [String], _ text: String) throws {
    let server = try ScriptedServer { _ in wireAnswer(status, body, headers) }
    let found = awsErrorText {
      _ = try service(server.url("/"), kind).send(.form("Do", version: "1", [])) { false }
    }
    #expect(found == "operation error \(kind.name): Do, \(text)")
    // Nothing of this passes by itself.
    #expect(server.requests.count == 1)
  }

  @Test(
    "a busy service is asked three times",
    arguments: [
      (500, ""), (502, ""), (503, "<Response><Errors><Error><Code>Unavailable</Code></Error></Errors></Response>"),
      (504, ""), (429, ""),
      (400, #"{"__type":"ThrottlingException"}"#),
      (400, "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"),
    ])
  func busy(_ status: Int, _ body: String) throws {
    let count = Mutex(0)
    let server = try ScriptedServer { _ in
      let number = count.withLock { count in
        count += 1
        return count
      }
      return number % 3 == 0 ? wireAnswer(200, "ok") : wireAnswer(status, body)
    }
    let call = AWSService.Call.form("Do", version: "1", [])
    #expect(try service(server.url("/")).send(call) { false } == Array("ok".utf8) && server.requests.count == 3)
    let text = awsErrorText { _ = try service(server.url("/"), retries: 2).send(call) { false } }
    #expect(
      text.hasPrefix(
        "operation error EC2: Do, exceeded maximum number of attempts, 2, https response error StatusCode: \(status), ")
    )
    // Whoever gives up does not wait for another try.
    let before = server.requests.count
    _ = awsErrorText { _ = try service(server.url("/")).send(call) { server.requests.count > before } }
    #expect(server.requests.count <= before + 1)
  }

  @Test("keys that have expired are fetched anew, once")
  func expired() throws {
    let folder = try TemporaryDirectory()
    let token = try folder.write("t", to: "token")
    let issued = Mutex(0)
    let server = try ScriptedServer { head in
      if head.contains("Action=AssumeRoleWithWebIdentity") {
        let number = issued.withLock { count in
          count += 1
          return count
        }
        return tokenAnswer("AssumeRoleWithWebIdentity", access: "K\(number)")
      }
      return headerValue("Authorization", in: head)?.contains("Credential=K2/") == true
        ? wireAnswer(200, "ok") : wireAnswer(400, #"{"__type":"ExpiredTokenException","message":"old"}"#)
    }
    var settings = AWSSettings()
    settings.region = "r-1"
    let session = AWSSession(
      settings, client: ClientSettings(),
      awsSurroundings([
        "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "r", "AWS_ENDPOINT_URL": server.url("/"),
      ]))
    let call = AWSService.Call.form("Do", version: "1", [])
    #expect(try session.service(.ecs) { false }.send(call) { false } == Array("ok".utf8))
    #expect(issued.withLock { $0 } == 2)
    // Another time it is an error.
    issued.withLock { $0 = 5 }
    session.forget()
    let text = awsErrorText { _ = try session.service(.ecs) { false }.send(call) { false } }
    #expect(text.hasSuffix("api error ExpiredTokenException: old") && issued.withLock { $0 } == 7)
  }

  @Test("a server that is not there is named, and a role that cannot be assumed, too")
  func unreachable() throws {
    let url = "http://127.0.0.1:\(FreePort.next())/"
    let call = AWSService.Call.form("Do", version: "1", [])
    let text = awsErrorText { _ = try service(url).send(call) { false } }
    let port = url.dropFirst("http://".count).dropLast()
    #expect(
      text == "operation error EC2: Do, exceeded maximum number of attempts, 3, request send failed, Post \"\(url)\": "
        + "dial tcp \(port): connect: connection refused")
    var settings = AWSSettings()
    (settings.region, settings.accessKey, settings.secretKey, settings.roleARN) = ("r-1", "a", "s", "arn")
    let server = try ScriptedServer { _ in
      wireAnswer(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
    }
    let session = AWSSession(
      settings, client: ClientSettings(), awsSurroundings(["AWS_ENDPOINT_URL_STS": server.url("/")]))
    let refused = awsErrorText { _ = try session.service(.ec2) { false }.send(call) { false } }
    #expect(
      refused == "operation error EC2: Do, get identity: get credentials: operation error STS: AssumeRole, https "
        + "response error StatusCode: 403, RequestID: , api error AccessDenied: no")
  }
}

extension String {
  fileprivate func components(of separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let found = rest.firstRange(of: separator) {
      parts.append(String(rest[..<found.lowerBound]))
      rest = rest[found.upperBound...]
    }
    return parts + [String(rest)]
  }
}
