import Platform

@testable import HTTP
@testable import Outbound

// Answers of other servers: their heads, where they lead, their packed bodies, and what a token server says.
extension FuzzTarget {
  static let outbound = [clientAnswer, oauth2Token]

  private static let bodyBytesMax = 1 << 20

  /// An input is lines of a head, an empty line, the body.
  private static let clientAnswer = FuzzTarget(
    name: "client-answer",
    seeds: {
      [
        "HTTP/1.1 302 Found\r\nLocation: ../b?c=d\r\n\r\n", "HTTP/1.1 307 \r\nlocation: //[::1]:8/x\r\n\r\n",
        "HTTP/2 200 \r\nContent-Encoding: gzip\r\nA:b\r\n\r\n\u{1f}",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n",
      ].map { Array($0.utf8) }
    }
  ) { bytes in
    var answer = CurlAnswer()
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end
      if line.allSatisfy({ $0 <= 0x20 }) { break }
      guard answer.takeHeader(line, bytesMax: 4_096) else { return }
    }
    checkChain(answer)
    var count = 0
    let unpacked = answer.unpacking()?.take(UnsafeRawBufferPointer(rebasing: bytes[start...])) { piece in
      count += piece.count
      return count <= bodyBytesMax
    }
    precondition(unpacked == .stopped || count <= bodyBytesMax)
  }

  /// Credentials go nowhere but to the first host and its domain.
  private static func checkChain(_ answer: CurlAnswer) {
    var request = ClientRequest(url: "http://user:word@example.com:8080/a/b?c")
    request.secretHeaders = [("Authorization", "secret")]
    var chain = RedirectChain(request)
    guard chain.take(status: answer.status, location: answer.header("location"), max: 10) == .again else { return }
    guard let parts = URLParts(chain.url) else { preconditionFailure("a redirect to no URL") }
    precondition(parts.scheme == "http" || parts.scheme == "https")
    let isKnown = parts.host == "example.com" || parts.host.hasSuffix(".example.com")
    precondition(isKnown || !chain.headers.contains { $0.name == "Authorization" })
  }

  private static let oauth2Token = FuzzTarget(
    name: "oauth2-token",
    seeds: {
      [
        "{\"access_token\":\"a\",\"expires_in\":\"60\",\"token_type\":\"bearer\"}", "access_token=a%20b&expires_in=5",
        "{\"error\":\"no\",\"error_description\":\"why\"}", "{\"expires_in\":99999999999}",
      ].map { Array($0.utf8) }
    }
  ) { bytes in
    for type in ["application/json", "text/plain; charset=utf-8"] {
      for status in [200, 400] {
        let answer = ClientResponse(status: status, headers: [("Content-Type", type)], body: Array(bytes))
        do throws(HTTPClientError) {
          let token = try OAuth2Token(answer, nowMilliseconds: 0)
          precondition(status == 200 && token.authorization.contains(" "))
        } catch {
          precondition(error.description.hasPrefix("oauth2: ") && error.description.utf8.count < 10_000)
        }
      }
    }
  }
}
