extension SigV4Tests {
  static let publishedVectors: [Vector] = [
    Vector(
      "get-header-key-duplicate", "GET", "/",
      [("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")], "",
      "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
    Vector(
      "get-header-value-order", "GET", "/",
      [("My-Header1", "value4"), ("My-Header1", "value1"), ("My-Header1", "value3"), ("My-Header1", "value2")], "",
      "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"),
    Vector(
      "get-header-value-trim", "GET", "/", [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")], "",
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    Vector(
      "get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", [], "",
      "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
    Vector("get-utf8", "GET", "/ሴ", [], "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    Vector(
      "get-vanilla-empty-query-key", "GET", "/?Param1=value1", [], "",
      "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
    Vector(
      "get-vanilla-query-order-encoded", "GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", [], "",
      "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"),
    Vector(
      "get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", [], "",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    Vector(
      "get-vanilla-query-order-key", "GET", "/?Param1=value2&Param1=Value1", [], "",
      "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"),
    Vector(
      "get-vanilla-query-order-value", "GET", "/?Param1=value2&Param1=value1", [], "",
      "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"),
    Vector(
      "get-vanilla-query-unreserved", "GET",
      "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
      [], "", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
    Vector("get-vanilla-query", "GET", "/", [], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    Vector(
      "get-vanilla-utf8-query", "GET", "/?ሴ=bar", [], "",
      "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
    Vector("get-vanilla", "GET", "/", [], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    Vector(
      "get-relative-relative", "GET", "/example1/example2/../..", [], "",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    Vector(
      "get-relative", "GET", "/example/..", [], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    Vector(
      "get-slash-dot-slash", "GET", "/./", [], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    Vector(
      "get-slash-pointless-dot", "GET", "/./example", [], "",
      "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
    Vector("get-slash", "GET", "//", [], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    Vector(
      "get-slashes", "GET", "//example//", [], "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
    Vector(
      "get-space", "GET", "/example space/", [], "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
    Vector(
      "get-special-character", "GET", "/example/$delete", [], "",
      "a853c9b21b528b19643d00910d35b83a10c366a10833ceefb45edd6c80e40f27"),
    Vector(
      "post-header-key-case", "POST", "/", [], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    Vector(
      "post-header-key-sort", "POST", "/", [("My-Header1", "value1")], "",
      "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
    Vector(
      "post-header-value-case", "POST", "/", [("My-Header1", "VALUE1")], "",
      "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
    Vector(
      "post-sts-header-after", "POST", "/", [], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    Vector(
      "post-sts-header-before", "POST", "/",
      [
        (
          "X-Amz-Security-Token",
          "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
        )
      ], "", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
    Vector(
      "post-vanilla-empty-query-value", "POST", "/?Param1=value1", [], "",
      "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    Vector(
      "post-vanilla-query", "POST", "/?Param1=value1", [], "",
      "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    Vector("post-vanilla", "POST", "/", [], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    Vector(
      "post-x-www-form-urlencoded-parameters", "POST", "/",
      [("Content-Type", "application/x-www-form-urlencoded; charset=utf8")], "Param1=value1",
      "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"),
    Vector(
      "post-x-www-form-urlencoded", "POST", "/", [("Content-Type", "application/x-www-form-urlencoded")],
      "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
  ]

  static let signedVectors: [SignedRequest] = [
    SignedRequest(
      "ec2", "ec2", "eu-central-1", "ec2.eu-central-1.amazonaws.com", "POST", "/",
      [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
      "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3AEnv&Filter.1.Value.1=prod%20x", token: nil,
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/eu-central-1/ec2/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=50959c523b6a5d3948f943723f830240dce5db43d928e6e8ca8e29e76ac6e747"
    ),
    SignedRequest(
      "ecs", "ecs", "us-east-1", "ecs.us-east-1.amazonaws.com", "POST", "/",
      [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListClusters"),
      ], "{}", token: "a token/with+signs==",
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/ecs/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=4eae82ecdafdaf968c18e155856292e982ed38608cd82e3d0f15f8175d819621"
    ),
    SignedRequest(
      "sts", "sts", "cn-north-1", "sts.cn-north-1.amazonaws.com.cn", "POST", "/",
      [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr", token: "t",
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/cn-north-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=078ac281a06703afa4433aa969684f302d61a613f96faf705295c73f6e508b71"
    ),
    SignedRequest(
      "aps", "aps", "us-west-2", "aps-workspaces.us-west-2.amazonaws.com", "POST",
      "/workspaces/ws-0a/api/v1/remote_write",
      [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")], "snap", token: nil,
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-west-2/aps/aws4_request, SignedHeaders=content-encoding;content-type;host;x-amz-date, Signature=86cc18d687d75d0c3f3066b225a64df615641cb1fea37fe04ac6a2c055303bba"
    ),
    SignedRequest(
      "query", "aps", "us-west-2", "aps-workspaces.us-west-2.amazonaws.com", "GET",
      "/workspaces/ws%200/query?query=sum%28up%29%20by%20%28job%29&time=1.5&a=&b", [], "", token: nil,
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-west-2/aps/aws4_request, SignedHeaders=host;x-amz-date, Signature=e580cfe09f0457bcf8636ddeec60d6925d0601301f3d006035beef8441b37ac6"
    ),
    SignedRequest(
      "port", "ec2", "us-east-1", "127.0.0.1:5000", "POST", "/base/", [], "x", token: nil,
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature=da6cb45432bf3c11758179b2a2a3bc94a702e7f0c8b79c57542a5c63163e7bcc"
    ),
  ]
}
