import Access
import Format
import HTTP
import Testing

/// The requests of AWS's suite as they would come over a connection, against the whole verifier.
struct SignatureSuiteTests {
  private static let scope = "\(SigningCase.accessKey)/20150830/us-east-1/service/aws4_request"

  private func exchange(_ sample: SigningCase) -> SignedExchange {
    var options = SignatureOptions()
    options.service = SigningCase.service
    options.takesPresigned = true
    options.presignedSecondsMax = 3600
    var exchange = SignedExchange(at: SigningCase.time, options)
    if !sample.token.isEmpty && sample.isTokenSigned { exchange.keys.keys[0].sessionToken = sample.token }
    return exchange
  }

  private func verdict(
    _ sample: SigningCase, _ query: String, _ headers: SignedExchange.Headers, body: String? = nil
  ) -> String {
    exchange(sample).verdict(
      sample.method == "GET" ? .get : .post, sample.path + (query.isEmpty ? "" : "?" + query), headers,
      body: Array((body ?? sample.body).utf8))
  }

  private static func names(_ headers: SignedExchange.Headers) -> String {
    Set(headers.map { $0.name.lowercased() }).sorted().joined(separator: ";")
  }

  /// Blanks in a path are refused before anybody is asked; `.` and `..` are names like others.
  private static func refusal(of sample: SigningCase) -> String? {
    if sample.path.contains(" ") { return "malformed path" }
    let parts = sample.path.split(separator: "/")
    return sample.isNormalized && parts.contains { $0 == "." || $0 == ".." } ? "does not match" : nil
  }

  @Test(
    "a signature in the header is right, and wrong once anything that it covers is another", arguments: SigningCase.all)
  func header(_ sample: SigningCase) {
    var headers = sample.headers + [("X-Amz-Date", SigningCase.time)]
    if sample.coversHash {
      headers.append(("X-Amz-Content-Sha256", SHA256.hexDigest(of: Array(sample.body.utf8))))
    }
    let token = ("X-Amz-Security-Token", sample.token)
    if !sample.token.isEmpty && sample.isTokenSigned { headers.append(token) }
    headers.append(
      (
        "Authorization",
        "\(SigV4.algorithm) Credential=\(Self.scope), SignedHeaders=\(Self.names(headers)), "
          + "Signature=\(sample.headerSignature)"
      ))
    if !sample.token.isEmpty && !sample.isTokenSigned { headers.append(token) }
    let text = verdict(sample, sample.query, headers)
    if let refusal = Self.refusal(of: sample) {
      #expect(text.contains(refusal), "\(text)")
      return
    }
    #expect(text == "right", "\(text)")
    for (name, value) in [("My-Header1", "value"), ("X-Amz-Date", "20150830T123601Z"), ("Host", "example.org")] {
      var changed = headers
      guard let place = changed.firstIndex(where: { $0.name == name }) else { continue }
      changed[place].value = value
      #expect(verdict(sample, sample.query, changed).contains("does not match"), "\(name)")
    }
    #expect(verdict(sample, sample.query + "&a=b", headers).contains("does not match"))
    #expect(verdict(sample, sample.query, headers, body: sample.body + "0") != "right")
  }

  @Test("a signature in the query is right for GET, and wrong once the query is another", arguments: SigningCase.all)
  func query(_ sample: SigningCase) {
    var pairs = [
      ("X-Amz-Algorithm", SigV4.algorithm), ("X-Amz-Credential", Self.scope), ("X-Amz-Date", SigningCase.time),
      ("X-Amz-SignedHeaders", Self.names(sample.headers)), ("X-Amz-Expires", "3600"),
    ]
    if !sample.token.isEmpty && sample.isTokenSigned { pairs.append(("X-Amz-Security-Token", sample.token)) }
    let query =
      (sample.query.isEmpty ? "" : sample.query + "&") + PercentText.form(pairs.map { (name: $0.0, value: $0.1) })
    let signature = "&X-Amz-Signature=\(sample.querySignature)"
    let text = verdict(sample, query + signature, sample.headers)
    if let refusal = sample.method == "GET" ? Self.refusal(of: sample) : "GET alone" {
      #expect(text.contains(refusal), "\(text)")
      return
    }
    #expect(text == "right", "\(text)")
    for changed in ["a=b&" + query, query.replacing("=3600", with: "=3599")] {
      #expect(verdict(sample, changed + signature, sample.headers).contains("does not match"))
    }
  }
}
