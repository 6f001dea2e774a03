import Access
import Format
import HTTP
import TestKit
import Testing

/// Requests whose signature is wrong in one way each.
struct WrongSignatureTests {
  private typealias Headers = SignedExchange.Headers

  private static let target = "/workspaces/ws-1/api/v1/series?match%5B%5D=up&start=1"
  private static let base: SignedExchange.Headers = [("host", "apus:9090"), ("content-type", "text/plain")]
  private static let body = Array("hello".utf8)

  private func changed(
    _ change: (inout SignedExchange.Headers) -> Void, target: String = target, method: HTTPMethods = .post,
    body: [UInt8] = body, at: String = "20260101T000000Z", options: SignatureOptions = SignatureOptions()
  ) -> String {
    let exchange = SignedExchange(at: at, options)
    var headers = exchange.signed(.post, Self.target, Self.base, body: Self.body, time: "20260101T000000Z")
    change(&headers)
    return exchange.verdict(method, target, headers, body: body)
  }

  private func authorization(_ change: (String) -> String) -> String {
    changed { headers in
      guard let index = headers.firstIndex(where: { $0.name == "authorization" }) else { return }
      headers[index].value = change(headers[index].value)
    }
  }

  @Test("the request as it was signed is right")
  func right() { #expect(changed { _ in } == "right") }

  @Test("what was changed on the way does not match")
  func changedOnTheWay() {
    let mismatch = "The request signature we calculated does not match"
    var seen: [String] = []
    for target in [
      "/workspaces/ws-2/api/v1/series?match%5B%5D=up&start=1", "/workspaces/ws-1/api/v1/labels?match%5B%5D=up&start=1",
      "/workspaces/ws-1/api/v1/series?match%5B%5D=up&start=2", "/workspaces/ws-1/api/v1/series?match%5B%5D=up",
      "/workspaces/ws-1/api/v1/series?match%5B%5D=up&start=1&end=2", "/workspaces/ws-1/api/v1/series",
      "/workspaces/ws-1/api/v1/series?match%5B%5D=down&start=1",
      "/workspaces/ws-1/api/v1/series/?match%5B%5D=up&start=1",
      "/workspaces/ws-1/api/v1/series?match[]=up&start=%31%20",
      "/workspaces/ws-1/api/v1/./series?match%5B%5D=up&start=1",
      "/workspaces/x/../ws-1/api/v1/series?match%5B%5D=up&start=1",
      "/workspaces/ws%2D2/api/v1/series?match%5B%5D=up&start=1",
      "/workspaces/ws-1/api/v1/series?match%5B%5D=up&start=1&",
      "/workspaces/ws-1%2Fapi/v1/series?match%5B%5D=up&start=1",
    ] {
      // A bare & at the end is no pair: it means the same and is right.
      if target.hasSuffix("&") { continue }
      seen.append(changed({ _ in }, target: target))
    }
    for method in [HTTPMethods.get, .put, .delete, .patch] { seen.append(changed({ _ in }, method: method)) }
    for body in ["", "hello ", "Hello", "hell"] { seen.append(changed({ _ in }, body: Array(body.utf8))) }
    for (name, value) in [
      ("host", "apus:9091"), ("host", "apus"), ("host", ""), ("content-type", "text/html"),
      ("content-type", "text/plain;"),
    ] {
      seen.append(
        changed { headers in
          guard let index = headers.firstIndex(where: { $0.name == name }) else { return }
          headers[index].value = value
        })
    }
    for name in ["host", "content-type"] {
      seen.append(changed { headers in headers.removeAll { $0.name == name } })
      seen.append(changed { headers in headers.append((name, "another")) })
    }
    for text in seen { #expect(text.hasPrefix(mismatch), "\(text)") }
    #expect(seen.count >= 26)
  }

  @Test("what is wrong in the header itself is named")
  func header() {
    func refused(_ words: String, _ change: (String) -> String) {
      let text = authorization(change)
      #expect(text.contains(words), "\(text)")
    }
    refused("does not match") { $0.dropLast() + ($0.hasSuffix("0") ? "1" : "0") }
    refused("64 small hexadecimal digits") { String($0.dropLast()) }
    refused("64 small hexadecimal digits") { $0 + "0" }
    refused("64 small hexadecimal digits") { $0.dropLast() + "g" }
    refused("64 small hexadecimal digits") {
      let place = $0.range(after: "Signature=")
      return $0[..<place] + String(repeating: "A", count: 64)
    }
    refused("'Signature'") { String($0[..<$0.range(after: ", Signature=")].dropLast(", Signature=".count)) }
    refused("'Credential'") { "AWS4-HMAC-SHA256 " + $0[$0.range(after: "aws4_request, ")...] }
    refused("'SignedHeaders'") { $0.replacing("SignedHeaders=content-type;host;x-amz-date, ", with: "") }
    refused("unknown or comes twice") { $0 + ", Signature=00" }
    refused("unknown or comes twice") { $0 + ", Other=1" }
    refused("has no =") { $0 + ", what" }
    refused("KEY/DATE/REGION/SERVICE") { $0.replacing("/us-east-1/aps/", with: "/us-east-1/") }
    refused("security token included in the request is invalid") { $0.replacing("AKIDEXAMPLE", with: "AKIDOTHER") }
    refused("security token included in the request is invalid") { $0.replacing("AKIDEXAMPLE", with: "akidexample") }
    refused("correct service: 'aps'") { $0.replacing("/aps/", with: "/s3/") }
    refused("valid terminator") { $0.replacing("aws4_request", with: "aws4_requests") }
    refused("does not match") { $0.replacing("us-east-1", with: "us-east-2") }
    refused("Date in Credential scope") { $0.replacing("20260101", with: "20260102") }
    refused("'host' must be a 'SignedHeader'") { $0.replacing("host;", with: "") }
    refused("'x-amz-date' must be a 'SignedHeader'") { $0.replacing(";x-amz-date", with: "") }
    refused("covers a header twice") { $0.replacing("host;", with: "host;host;") }
    refused("small letters") { $0.replacing("host;", with: "Host;") }
    refused("small letters") { $0.replacing("host;", with: "host;;") }
    refused("too many headers") {
      $0.replacing("host;", with: (0..<80).map { "h\($0);" }.joined() + "host;")
    }
    refused("did not arrive: x-more") { $0.replacing("x-amz-date,", with: "x-amz-date;x-more,") }
    #expect(authorization { _ in "Bearer x" } == "absent")
    let doubled = changed { headers in
      let value = headers.last?.value ?? ""
      headers.append(("Authorization", value))
    }
    #expect(doubled.contains("more than one Authorization"))
  }

  @Test("the time, the payload's hash, the token, and a request that comes again")
  func circumstances() {
    #expect(changed({ _ in }, at: "20260101T000459Z") == "right")
    #expect(changed({ _ in }, at: "20251231T235501Z") == "right")
    #expect(
      changed({ _ in }, at: "20260101T000501Z")
        == "Signature expired: 20260101T000000Z is now earlier than 20260101T000001Z (20260101T000501Z - 5 min.)")
    #expect(
      changed({ _ in }, at: "20251231T235459Z")
        == "Signature not yet current: 20260101T000000Z is still later than 20251231T235959Z (20251231T235459Z + 5 min.)"
    )
    for time in ["", "20260101", "2026-01-01T00:00:00Z", "20261301T000000Z", "20260101T000000X"] {
      let text = changed { headers in
        headers.removeAll { $0.name == "x-amz-date" }
        headers.append(("x-amz-date", time))
      }
      #expect(text.contains("ISO-8601"), "\(text)")
    }
    #expect(changed { $0.removeAll { $0.name == "x-amz-date" } }.contains("'X-Amz-Date' or a 'Date'"))
    for payload in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "abc", String(repeating: "0", count: 64)]
    {
      #expect(changed { $0.append(("x-amz-content-sha256", payload)) } != "right", "\(payload)")
    }
    let right = SHA256.hexDigest(of: Self.body)
    #expect(changed { $0.append(("x-amz-content-sha256", right)) } == "right")
    var pinned = SignatureOptions()
    pinned.region = "eu-west-1"
    #expect(changed({ _ in }, options: pinned).contains("valid region"))
    pinned.region = "us-east-1"
    #expect(changed({ _ in }, options: pinned) == "right")

    var exchange = SignedExchange()
    let headers = exchange.signed(.put, "/tags/x", [("host", "a")])
    let action = RouteAction("aps:TagResource")
    #expect(exchange.verdict(.put, "/tags/x", headers, action: action) == "right")
    exchange.clock.advance(milliseconds: 1_000)
    #expect(exchange.verdict(.put, "/tags/x", headers, action: action) == "right")
    exchange.clock.advance(milliseconds: 1_000)
    #expect(exchange.verdict(.put, "/tags/x", headers, action: action) == "The signature was used before.")
    // An administrator who sets the clock back makes nothing new of it.
    exchange.clock.stepWall(milliseconds: -120_000)
    #expect(exchange.verdict(.put, "/tags/x", headers, action: action) == "The signature was used before.")
    exchange.clock.stepWall(milliseconds: 120_000)
    exchange.keys.keys[0].notAfter = 0
    #expect(exchange.verdict(.put, "/tags/x", headers, action: action).contains("is expired"))
    exchange.keys.keys[0].notAfter = nil
    exchange.keys.keys[0].sessionToken = "token"
    #expect(exchange.verdict(.put, "/tags/x", headers, action: action).contains("is invalid"))
  }

  @Test("a signature that may be right for half an hour is known for as long")
  func longSkew() {
    var options = SignatureOptions()
    options.skewMilliseconds = 15 * 60_000
    let exchange = SignedExchange(options)
    // Its signer's clock is a quarter of an hour ahead.
    let headers = exchange.signed(.put, "/tags/x", [("host", "a")], time: "20260101T001500Z")
    let action = RouteAction("aps:TagResource")
    #expect(exchange.verdict(.put, "/tags/x", headers, action: action) == "right")
    for _ in 0..<29 {
      exchange.clock.advance(milliseconds: 60_000)
      #expect(exchange.verdict(.put, "/tags/x", headers, action: action) == "The signature was used before.")
    }
    exchange.clock.advance(milliseconds: 61_000)
    #expect(exchange.verdict(.put, "/tags/x", headers, action: action).contains("expired"))
  }

  @Test("a body that was signed before it was there is named as the cause")
  func emptyBody() {
    let exchange = SignedExchange()
    let headers = exchange.signed(.post, Self.target, Self.base)
    #expect(exchange.verdict(.post, Self.target, headers, body: Self.body).contains("without a body"))
  }

  @Test("signatures in the query: GET alone, for a short time, where they are taken")
  func presigned() {
    let query =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fus-east-1%2Faps%2Faws4_request"
      + "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&query=up"
    let canonical = CanonicalRequest(
      method: "GET", path: "/api/v1/query", query: query, headers: [("host", "a")],
      payloadHash: SHA256.hexDigest(of: []))
    let signature = SigV4(region: "us-east-1", service: "aps", time: "20260101T000000Z")
      .signature(canonical, secretKey: SignedExchange.secret)
    let target = "/api/v1/query?\(query)&X-Amz-Signature=\(signature)"
    var options = SignatureOptions()
    #expect(SignedExchange(options).verdict(.get, target, [("host", "a")]).contains("not taken"))
    options.takesPresigned = true
    #expect(SignedExchange(options).verdict(.get, target, [("host", "a")]) == "right")
    #expect(SignedExchange(options).verdict(.get, target + "0", [("host", "a")]).contains("64 small"))
    #expect(SignedExchange(options).verdict(.get, target + "&query=down", [("host", "a")]).contains("does not match"))
    #expect(SignedExchange(options).verdict(.post, target, [("host", "a")]).contains("GET alone"))
    #expect(SignedExchange(at: "20260101T000101Z", options).verdict(.get, target, [("host", "a")]).contains("expired"))
    let long = target.replacing("Expires=60", with: "Expires=9000")
    #expect(SignedExchange(options).verdict(.get, long, [("host", "a")]).contains("from 1 to 900"))
    #expect(
      SignedExchange(options).verdict(.get, target, [("host", "a"), ("authorization", "AWS4-HMAC-SHA256 x")])
        .contains("not in both"))
  }

  @Test("random requests: what the signer signs is right, and any changed byte is not")
  func random() {
    var numbers = RandomSource(for: "signed requests")
    let exchange = SignedExchange()
    let alphabet = Array("abcXYZ019-._~%/=+&: ".unicodeScalars).map(Character.init)
    func text(_ count: Int, _ alphabet: [Character]) -> String {
      String((0..<count).map { _ in alphabet[numbers.below(alphabet.count)] })
    }
    let plain = alphabet.filter { !"%/=+&: ".contains($0) }
    for _ in 0..<400 {
      let path = "/" + (0...numbers.below(4)).map { _ in text(1 + numbers.below(6), plain) }.joined(separator: "/")
      if path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) { continue }
      let pairs = (0..<numbers.below(4)).map { _ in
        let (name, value) = (text(1 + numbers.below(4), alphabet), text(numbers.below(6), alphabet))
        // As our own requests have them, with `+` for blanks, and as AWS's have them.
        return numbers.below(2) == 0
          ? "\(PercentText.encodeForm(name))=\(PercentText.encodeForm(value))"
          : "\(PercentText.encode(name))=\(PercentText.encode(value))"
      }
      let target = path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
      let body = numbers.bytes(numbers.below(100))
      let headers = exchange.signed(.post, target, [("host", "h")], body: body)
      #expect(exchange.verdict(.post, target, headers, body: body) == "right", "\(target)")
      var other = body
      other.append(1)
      #expect(exchange.verdict(.post, target, headers, body: other) != "right")
      #expect(exchange.verdict(.post, target + "x", headers, body: body) != "right")
    }
  }
}

extension String {
  /// The place behind a word.
  fileprivate func range(after word: String) -> String.Index { firstRange(of: word)?.upperBound ?? endIndex }
}
