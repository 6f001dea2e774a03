import Testing

@testable import Format

struct SigV4Tests {
  static let accessKey = "AKIDEXAMPLE"
  static let secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

  /// A request of the test suite that AWS has published for this signature: service `service`, region `us-east-1`,
  /// 2015-08-30T12:36:00Z. Paths stand there as they were before their encoding.
  struct Vector: Sendable {
    let name: String
    let method: String
    let target: String
    let headers: [(name: String, value: String)]
    let body: String
    let signature: String

    init(
      _ name: String, _ method: String, _ target: String, _ headers: [(name: String, value: String)], _ body: String,
      _ signature: String
    ) {
      (self.name, self.method, self.target, self.headers) = (name, method, target, headers)
      (self.body, self.signature) = (body, signature)
    }
  }

  @Test("the requests that AWS has published have their published signatures", arguments: publishedVectors)
  func published(_ vector: Vector) {
    let parts = vector.target.split(separator: "?", maxSplits: 1)
    let signing = SigV4(region: "us-east-1", service: "service", time: "20150830T123600Z")
    let request = CanonicalRequest(
      method: vector.method, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "",
      headers: vector.headers + [("Host", "example.amazonaws.com"), ("X-Amz-Date", signing.time)],
      payloadHash: SHA256.hexDigest(of: Array(vector.body.utf8)))
    #expect(signing.signature(request, secretKey: Self.secretKey) == vector.signature, "\(request.text)")
  }

  /// A request as botocore 1.44.8 signed it (`SigV4Auth.add_auth`, with its clock at 2026-02-28T23:59:59Z).
  struct SignedRequest: Sendable {
    let name: String
    let service: String
    let region: String
    let host: String
    let method: String
    let target: String
    let headers: [(name: String, value: String)]
    let body: String
    let token: String?
    let authorization: String

    init(
      _ name: String, _ service: String, _ region: String, _ host: String, _ method: String, _ target: String,
      _ headers: [(name: String, value: String)], _ body: String, token: String?, _ authorization: String
    ) {
      (self.name, self.service, self.region, self.host) = (name, service, region, host)
      (self.method, self.target, self.headers, self.body) = (method, target, headers, body)
      (self.token, self.authorization) = (token, authorization)
    }
  }

  @Test("requests to real services are signed as botocore signs them", arguments: signedVectors)
  func botocore(_ signed: SignedRequest) {
    let parts = signed.target.split(separator: "?", maxSplits: 1)
    let signing = SigV4(region: signed.region, service: signed.service, time: "20260228T235959Z")
    var headers = signed.headers + [("Host", signed.host), ("X-Amz-Date", signing.time)]
    if let token = signed.token { headers.append(("X-Amz-Security-Token", token)) }
    let request = CanonicalRequest(
      method: signed.method, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "", headers: headers,
      payloadHash: SHA256.hexDigest(of: Array(signed.body.utf8)))
    let made = signing.authorization(request, accessKey: Self.accessKey, secretKey: Self.secretKey)
    #expect(made == signed.authorization, "\(request.text)")
  }

  @Test("SHA-256 has the values of FIPS 180-4, however its bytes are cut")
  func digests() {
    let known = [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
      ),
    ]
    for (text, digest) in known { #expect(SHA256.hexDigest(of: Array(text.utf8)) == digest) }
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let whole = SHA256.hexDigest(of: bytes)
    for first in [0, 1, 55, 56, 63, 64, 65, 127, 128, 200, 300] {
      for second in [first, min(300, first + 1), min(300, first + 64), 300] {
        var hash = SHA256()
        for part in [0..<first, first..<second, second..<300] { Array(bytes[part]).lend { hash.update($0) } }
        #expect(SHA256.hex(hash.digest()) == whole)
      }
    }
  }

  @Test("HMAC has the values of RFC 4231")
  func authenticationCodes() {
    let cases: [(key: [UInt8], text: String, code: String)] = [
      (
        Array(repeating: 0x0b, count: 20), "Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
      (
        Array(repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
      ),
    ]
    for (key, text, code) in cases {
      #expect(SHA256.hex(SHA256.authenticationCode(of: Array(text.utf8), key: key)) == code)
    }
  }

  @Test("percent-encoding leaves what is unreserved, and comes back")
  func percent() {
    #expect(PercentText.encode("a b+c/ü~") == "a%20b%2Bc%2F%C3%BC~")
    let all = (0...255).map { UInt8($0) }
    #expect(PercentText.decode(PercentText.encode(all).utf8) == all)
    #expect(PercentText.decode("%zz%4".utf8) == Array("%zz%4".utf8))
    #expect(PercentText.form([("a", "1 2"), ("b", "&")]) == "a=1%202&b=%26")
  }
}
