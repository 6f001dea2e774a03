import PlatformSimulation
import TestKit
import Testing

@testable import Outbound

@Suite("The metadata of an instance") struct AWSMetadataTests {
  private static let path = "/latest/meta-data/iam/security-credentials/"
  private static let keys =
    #"{"Code":"Success","AccessKeyId":"I","SecretAccessKey":"i","Token":"it","Expiration":"2026-03-01T06:00:00Z"}"#

  private static func answer(_ head: String) -> String {
    if head.hasPrefix("GET \(path) ") { return wireAnswer(200, "role one\nother") }
    if head.hasPrefix("GET \(path)role%20one ") { return wireAnswer(200, keys) }
    if head.hasPrefix("GET /latest/dynamic/instance-identity/document ") {
      return wireAnswer(200, "{\"region\" : \"ap-south-1\"}")
    }
    return wireAnswer(404, "")
  }

  @Test("keys and region are asked for with a token")
  func secondVersion() throws {
    let server = try ScriptedServer { head in
      if head.hasPrefix("PUT /latest/api/token ") {
        let isRight = headerValue("x-aws-ec2-metadata-token-ttl-seconds", in: head) == "300"
        return isRight ? wireAnswer(200, "token==") : wireAnswer(400, "")
      }
      return headerValue("x-aws-ec2-metadata-token", in: head) == "token==" ? Self.answer(head) : wireAnswer(401, "")
    }
    let surroundings = awsSurroundings(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url("/")])
    let keys = try awsKeys(AWSSettings(), surroundings)
    #expect(keys.accessKey == "I" && keys.secretKey == "i" && keys.sessionToken == "it")
    let session = AWSSession(AWSSettings(), client: ClientSettings(), surroundings)
    #expect(try session.service(.ec2) { false }.region == "ap-south-1")
  }

  @Test("a service without tokens is asked without one, unless that is forbidden", arguments: [403, 404, 405])
  func firstVersion(_ status: Int) throws {
    let server = try ScriptedServer { head in
      head.hasPrefix("PUT ") ? wireAnswer(status, "") : Self.answer(head)
    }
    var environment = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url("")]
    #expect(try awsKeys(AWSSettings(), awsSurroundings(environment)).accessKey == "I")
    #expect(server.requests.allSatisfy { headerValue("x-aws-ec2-metadata-token", in: $0) == nil })
    environment["AWS_EC2_METADATA_V1_DISABLED"] = "true"
    let text = awsErrorText { _ = try awsKeys(AWSSettings(), awsSurroundings(environment)) }
    #expect(text.hasSuffix("instance metadata: Put \"\(server.url("/latest/api/token"))\": \(status) Status"))
  }

  @Test(
    "what is no answer with keys is an error",
    arguments: [
      ("{}", "the answer has no keys"), ("[", "the answer is no JSON"),
      (#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"no"}"#, "AssumeRoleUnauthorizedAccess: no"),
      (#"{"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"soon"}"#, "\"soon\" is no time of expiry"),
    ])
  func wrong(_ body: String, _ reason: String) throws {
    let server = try ScriptedServer { head in
      if head.hasPrefix("PUT ") { return wireAnswer(200, "t") }
      return head.hasPrefix("GET \(Self.path) ") ? wireAnswer(200, "r") : wireAnswer(200, body)
    }
    let surroundings = awsSurroundings(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url("")])
    let text = awsErrorText { _ = try awsKeys(AWSSettings(), surroundings) }
    #expect(text.hasSuffix("instance metadata: keys of the role r: \(reason)"))
  }

  @Test("a region is looked for in the section, the environment, the profile and the instance")
  func regions() throws {
    let folder = try TemporaryDirectory()
    let config = try folder.write("[default]\nregion = r-default\n[profile p]\nregion=r-p\n", to: "config")
    func region(_ environment: [String: String], _ change: (inout AWSSettings) -> Void = { _ in }) throws -> String {
      var settings = AWSSettings()
      settings.accessKey = "a"
      settings.secretKey = "s"
      change(&settings)
      let session = AWSSession(settings, client: ClientSettings(), awsSurroundings(environment))
      return try session.service(.ecs) { false }.region
    }
    var environment = ["AWS_CONFIG_FILE": config]
    #expect(try region(environment) == "r-default")
    #expect(try region(environment) { $0.profile = "p" } == "r-p")
    environment["AWS_DEFAULT_REGION"] = "r-env-2"
    #expect(try region(environment) == "r-env-2")
    environment["AWS_REGION"] = "r-env-1"
    #expect(try region(environment) == "r-env-1")
    #expect(try region(environment) { $0.region = "r-section" } == "r-section")
    #expect(awsErrorText { _ = try region(environment) { $0.region = "x.evil/" } } == "\"x.evil/\" is no AWS region")
    #expect(
      awsErrorText { _ = try region([:]) } == "could not determine AWS region: the section, AWS_REGION, "
        + "AWS_DEFAULT_REGION and the profile default name none; failed to get region from IMDS: "
        + "AWS_EC2_METADATA_DISABLED is set")
  }

  @Test(
    "services answer at the names of their partition",
    arguments: [
      ("eu-west-1", [:], "https://ec2.eu-west-1.amazonaws.com/"),
      ("cn-north-1", [:], "https://ec2.cn-north-1.amazonaws.com.cn/"),
      ("us-isob-east-1", [:], "https://ec2.us-isob-east-1.sc2s.sgov.gov/"),
      ("us-east-1", ["AWS_USE_FIPS_ENDPOINT": "true"], "https://ec2-fips.us-east-1.amazonaws.com/"),
      ("us-gov-west-1", ["AWS_USE_FIPS_ENDPOINT": "true"], "https://ec2.us-gov-west-1.amazonaws.com/"),
      ("eu-west-1", ["AWS_USE_DUALSTACK_ENDPOINT": "true"], "https://ec2.eu-west-1.api.aws/"),
      ("eu-west-1", ["AWS_ENDPOINT_URL": "http://a:1"], "http://a:1/"),
      ("eu-west-1", ["AWS_ENDPOINT_URL": "http://a:1", "AWS_ENDPOINT_URL_EC2": "http://b/c"], "http://b/c"),
      (
        "eu-west-1", ["AWS_ENDPOINT_URL": "http://a:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"],
        "https://ec2.eu-west-1.amazonaws.com/"
      ),
    ] as [(String, [String: String], String)])
  func endpoints(_ region: String, _ environment: [String: String], _ url: String) throws {
    #expect(try AWSEndpoint.url(.ec2, region: region, given: "", awsSurroundings(environment)) == url)
    #expect(
      try AWSEndpoint.url(.ec2, region: region, given: "vpce.example", awsSurroundings(environment))
        == "https://vpce.example/")
  }
}
