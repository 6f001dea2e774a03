import Format
import Testing

/// AWS's own test suite for Signature Version 4, below HTTP: its requests hold what no HTTP library passes on.
@Suite("AWS's signing suite")
struct SigningSuiteTests {
  private static let signer = SigV4(
    region: SigningCase.region, service: SigningCase.service, time: SigningCase.time)

  private static func hash(_ sample: SigningCase) -> String { SHA256.hexDigest(of: Array(sample.body.utf8)) }

  private static func headers(_ sample: SigningCase) -> [(name: String, value: String)] {
    var headers = sample.headers + [("X-Amz-Date", SigningCase.time)]
    if !sample.token.isEmpty && sample.isTokenSigned { headers.append(("X-Amz-Security-Token", sample.token)) }
    if sample.coversHash { headers.append(("X-Amz-Content-Sha256", hash(sample))) }
    return headers
  }

  /// The query of a request that is signed there, without the signature.
  private static func presigned(_ sample: SigningCase, _ signedHeaders: String) -> String {
    var pairs = [
      ("X-Amz-Algorithm", SigV4.algorithm), ("X-Amz-Credential", "\(SigningCase.accessKey)/\(signer.scope)"),
      ("X-Amz-Date", SigningCase.time), ("X-Amz-SignedHeaders", signedHeaders), ("X-Amz-Expires", "3600"),
    ]
    if !sample.token.isEmpty && sample.isTokenSigned { pairs.append(("X-Amz-Security-Token", sample.token)) }
    let added = pairs.map { "\($0.0)=\(PercentText.encode($0.1))" }.joined(separator: "&")
    return sample.query.isEmpty ? added : "\(sample.query)&\(added)"
  }

  @Test("the suite is whole")
  func count() { #expect(SigningCase.all.count == 38 && Set(SigningCase.all.map(\.name)).count == 38) }

  @Test("the signer makes the suite's signatures of all requests whose paths are resolved", arguments: SigningCase.all)
  func signs(_ sample: SigningCase) {
    if !sample.isNormalized { return }
    let request = CanonicalRequest(
      method: sample.method, path: sample.path, query: sample.query, headers: Self.headers(sample),
      payloadHash: Self.hash(sample))
    #expect(Self.signer.signature(request, secretKey: SigningCase.secretKey) == sample.headerSignature)
    let names = CanonicalRequest(
      method: "", path: "", query: "", headers: sample.headers, payloadHash: ""
    ).signedHeaders
    let query = CanonicalRequest(
      method: sample.method, path: sample.path, query: Self.presigned(sample, names), headers: sample.headers,
      payloadHash: Self.hash(sample))
    #expect(Self.signer.signature(query, secretKey: SigningCase.secretKey) == sample.querySignature)
  }

  /// Paths with `.` and `..` are names like others here: a form without them would let one request stand for another.
  private static let unresolved: Set<String> = [
    "get-relative-normalized", "get-relative-relative-normalized", "get-slash-dot-slash-normalized",
    "get-slash-pointless-dot-normalized",
  ]

  @Test("the verifier finds the suite's signatures among the forms that it takes", arguments: SigningCase.all)
  func verifies(_ sample: SigningCase) {
    let headers = CanonicalRequest(
      method: "", path: "", query: "", headers: Self.headers(sample), payloadHash: Self.hash(sample))
    let presignedNames = CanonicalRequest(method: "", path: "", query: "", headers: sample.headers, payloadHash: "")
    func isFound(_ query: String, _ rest: CanonicalRequest, _ signature: String) -> Bool {
      SignatureCandidates.paths(sample.path).contains { path in
        SignatureCandidates.queries(query).contains { query in
          // What stands behind the first three lines is the same for all forms.
          let lines = rest.text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(3)
          let text = ([sample.method, path, query] + lines.map(String.init)).joined(separator: "\n")
          let digest = SHA256.authenticationCode(
            of: Array(Self.signer.stringToSign(canonical: text).utf8),
            key: Self.signer.signingKey(SigningCase.secretKey))
          return SHA256.hex(digest) == signature
        }
      }
    }
    let isTaken = !Self.unresolved.contains(sample.name)
    #expect(isFound(sample.query, headers, sample.headerSignature) == isTaken)
    let rest = CanonicalRequest(
      method: "", path: "", query: "", headers: sample.headers, payloadHash: Self.hash(sample))
    let presigned = Self.presigned(sample, presignedNames.signedHeaders)
    #expect(isFound(presigned, rest, sample.querySignature) == isTaken)
  }
}
