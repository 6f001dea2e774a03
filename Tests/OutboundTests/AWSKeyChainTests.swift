import PlatformSimulation
import TestKit
import Testing

@testable import Outbound

@Suite("The sources of AWS keys") struct AWSKeyChainTests {
  @Test("given keys come before all others, and count only together")
  func given() throws {
    var settings = AWSSettings()
    settings.accessKey = "A"
    let surroundings = awsSurroundings([
      "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e", "AWS_SESSION_TOKEN": "t",
    ])
    #expect(try awsKeys(settings, surroundings) == AWSKeys(accessKey: "E", secretKey: "e", sessionToken: "t"))
    settings.secretKey = "a"
    #expect(try awsKeys(settings, surroundings) == AWSKeys(accessKey: "A", secretKey: "a"))
  }

  @Test("profiles come from both files; a named one comes before the environment")
  func profiles() throws {
    let folder = try TemporaryDirectory()
    let config = try folder.write(
      """
      # all
      [default]
      region = eu-north-1 # here
      aws_access_key_id = D
      [profile work]
      aws_access_key_id = W
      s3 =
        aws_access_key_id = nested
      aws_secret_access_key=w#1
      [work]
      aws_access_key_id = not a profile
      [profile long]
      aws_access_key_id = old
      """, to: "config")
    let credentials = try folder.write(
      "[default]\naws_secret_access_key = d\n\n[long]\naws_access_key_id=L\naws_secret_access_key = l ; c\naws_session_token=lt\n",
      to: "credentials")
    let files = ["AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": credentials]
    var settings = AWSSettings()
    #expect(try awsKeys(settings, awsSurroundings(files)) == AWSKeys(accessKey: "D", secretKey: "d"))
    let chosen = awsSurroundings(files.merging(["AWS_PROFILE": "long"]) { $1 })
    #expect(try awsKeys(settings, chosen) == AWSKeys(accessKey: "L", secretKey: "l", sessionToken: "lt"))
    settings.profile = "work"
    let environment = awsSurroundings(
      files.merging(["AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e"]) { $1 })
    #expect(try awsKeys(settings, environment) == AWSKeys(accessKey: "W", secretKey: "w#1"))
    settings.profile = "none"
    #expect(awsErrorText { _ = try awsKeys(settings, environment) } == "failed to get shared config profile, none")
    #expect(try AWSProfiles(environment).profiles["default"]?["region"] == "eu-north-1")
  }

  @Test("[profile default] wins over [default], wherever it stands")
  func longDefault() {
    for text in ["[profile default]\na=1\n[default]\na=2\nb=3\n", "[default]\na=2\nb=3\n[profile default]\na=1\n"] {
      var profiles = AWSProfiles()
      profiles.add(text, isCredentials: false)
      #expect(profiles.profiles == ["default": ["a": "1"]])
    }
  }

  @Test("a web identity is a token from a file and a role, and needs no signature")
  func webIdentity() throws {
    let server = try ScriptedServer { _ in tokenAnswer("AssumeRoleWithWebIdentity", access: "WEB") }
    let folder = try TemporaryDirectory()
    let token = try folder.write("to.ke+n\n", to: "token")
    let surroundings = awsSurroundings([
      "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_ROLE_SESSION_NAME": "me",
      "AWS_ENDPOINT_URL_STS": server.url(""),
    ])
    let keys = try awsKeys(AWSSettings(), surroundings)
    #expect(keys.accessKey == "WEB" && keys.secretKey == "s/WEB" && keys.sessionToken == "t=WEB")
    #expect(keys.expiresMilliseconds == awsNow + 3_600_000)
    let request = try #require(server.requests.first)
    #expect(request.hasPrefix("POST / HTTP/1.1\r\n") && headerValue("Authorization", in: request) == nil)
    #expect(
      request.hasSuffix(
        "\r\n\r\nAction=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"
          + "&RoleSessionName=me&WebIdentityToken=to.ke%2Bn"))
  }

  @Test("a profile's role is assumed with the keys of its source, a role of the section on top")
  func roles() throws {
    let server = try ScriptedServer { head in
      tokenAnswer("AssumeRole", access: head.contains("role%2Fprofile") ? "P" : "TOP")
    }
    let folder = try TemporaryDirectory()
    let config = try folder.write(
      """
      [profile p]
      role_arn = arn:aws:iam::1:role/profile
      source_profile = base
      external_id = x y
      duration_seconds = 900
      [profile base]
      aws_access_key_id = B
      aws_secret_access_key = b
      [profile ring]
      role_arn = r
      source_profile = gnir
      [profile gnir]
      role_arn = r
      source_profile = ring
      [profile bare]
      role_arn = r
      [profile odd]
      role_arn = r
      credential_source = Moon
      [profile program]
      credential_process = /bin/keys
      """, to: "config")
    var settings = AWSSettings()
    settings.profile = "p"
    settings.roleARN = "arn:aws:iam::2:role/top"
    settings.externalID = "e"
    let surroundings = awsSurroundings(["AWS_CONFIG_FILE": config, "AWS_ENDPOINT_URL_STS": server.url("/")])
    #expect(try awsKeys(settings, surroundings).accessKey == "TOP")
    let requests = server.requests
    #expect(requests.count == 2)
    #expect(requests[0].hasSuffix("&ExternalId=x%20y") && requests[0].contains("&DurationSeconds=900&"))
    #expect(headerValue("Authorization", in: requests[0])?.contains("Credential=B/20260301/eu-west-1/sts/") == true)
    #expect(requests[1].hasSuffix("&RoleSessionName=apus&ExternalId=e"))
    #expect(headerValue("X-Amz-Security-Token", in: requests[1]) == "t=P")
    #expect(headerValue("Authorization", in: requests[1])?.contains("Credential=P/") == true)
    let refused = [
      ("ring", "the profiles ring, gnir, ring name each other as their source"),
      ("bare", "the profile bare has role_arn, but neither source_profile nor credential_source"),
      (
        "odd",
        "the profile odd has the unknown credential_source \"Moon\" (Environment, EcsContainer or Ec2InstanceMetadata)"
      ),
      (
        "program",
        "the profile program has credential_process: the keys of another program cannot be used here; give it keys, "
          + "role_arn with source_profile, or web_identity_token_file"
      ),
    ]
    for (profile, text) in refused {
      settings.profile = profile
      #expect(awsErrorText { _ = try awsKeys(settings, surroundings) } == text)
    }
  }

  @Test("container keys come with a token that is read each time")
  func container() throws {
    let body =
      #"{"RoleArn":"r","AccessKeyId":"C","SecretAccessKey":"c","Token":"ct","Expiration":"2026-03-01T06:00:00Z"}"#
    let server = try ScriptedServer { head in
      guard head.hasPrefix("GET /v2/x ") else { return wireAnswer(404, "no") }
      return headerValue("Authorization", in: head) == "second" ? wireAnswer(200, body) : wireAnswer(401, "who?")
    }
    let folder = try TemporaryDirectory()
    let file = try folder.write("first\n", to: "token")
    let surroundings = awsSurroundings([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url("/v2/x"), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file,
      "AWS_CONTAINER_AUTHORIZATION_TOKEN": "not this one",
    ])
    let text = awsErrorText { _ = try awsKeys(AWSSettings(), surroundings) }
    #expect(text == "GET \(server.url("/v2/x")): 401 Status: who?")
    _ = try folder.write("second\n", to: "token")
    let keys = try awsKeys(AWSSettings(), surroundings)
    #expect(keys.accessKey == "C" && keys.sessionToken == "ct" && keys.expiresMilliseconds == awsNow + 21_600_000)
    _ = try folder.write("a\nb\n", to: "token")
    #expect(awsErrorText { _ = try awsKeys(AWSSettings(), surroundings) }.contains("has a line break within the token"))
  }

  @Test(
    "keys in clear text go to the machine itself alone",
    arguments: [
      ("http://169.254.170.2/x", true), ("http://169.254.170.23/x", true), ("http://[fd00:ec2::23]/x", true),
      ("http://localhost:1/x", true), ("http://127.8.9.1/x", true), ("http://[::1]:5/x", true),
      ("https://example.org/x", true), ("http://example.org/x", false), ("http://127.0.0.1.example.org/", false),
      ("http://169.254.169.254/x", false), ("http://a@10.0.0.1/x", false), ("http://127.0.0.1@10.0.0.1/", false),
      ("http://127.1/", false), ("ftp://localhost/", false),
    ])
  func hosts(_ url: String, _ isAllowed: Bool) {
    let surroundings = awsSurroundings(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
    let text = awsErrorText { _ = try AWSContainerKeys(surroundings) }
    #expect((text == "no error") == isAllowed)
    #expect(isAllowed || url.hasPrefix("ftp") || text.hasSuffix("only loopback/ecs/eks hosts are allowed"))
  }

  @Test("where there are no keys, the error says where they were looked for")
  func none() {
    let text = awsErrorText { _ = try awsKeys(AWSSettings(), awsSurroundings([:])) }
    #expect(
      text == "no AWS credentials: environment: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor "
        + "AWS_WEB_IDENTITY_TOKEN_FILE; shared files: no profile default; container: neither "
        + "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI; instance metadata: "
        + "AWS_EC2_METADATA_DISABLED is set")
  }
}
