import CShims
import Glibc
import Platform

extension CurlExchange {
  /// The error for a code of libcurl's, in the words of Go's client where there are some.
  func error(_ code: CURLcode, _ easy: UnsafeMutableRawPointer) -> HTTPClientError {
    if let fault = answer.fault { return fault }
    if let refusal = proxyRefusal(easy) { return onTheWay(.proxy(refusal)) }
    let reason = message.pointee == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: message)
    switch code {
    case CURLE_OPERATION_TIMEDOUT: return timeout(easy)
    case CURLE_UNSUPPORTED_PROTOCOL where reason.contains("HTTP/0.9"):
      return onTheWay(.failed("net/http: HTTP/1.x transport connection broken: malformed HTTP response"))
    case CURLE_ABORTED_BY_CALLBACK: return .cancelled
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return onTheWay(.invalidRequest(reason))
    case CURLE_COULDNT_RESOLVE_HOST: return onTheWay(.cannotResolve(host: URLParts(chain.url)?.host ?? chain.url))
    case CURLE_COULDNT_RESOLVE_PROXY: return onTheWay(.proxy("proxyconnect tcp: \(reason)"))
    case CURLE_PROXY: return onTheWay(.proxy(reason))
    case CURLE_COULDNT_CONNECT: return onTheWay(cannotConnect(easy))
    case CURLE_PEER_FAILED_VERIFICATION:
      return onTheWay(.tls("tls: failed to verify certificate: x509: \(verification(reason, easy))"))
    case CURLE_SSL_CONNECT_ERROR: return onTheWay(.tls(handshake(reason)))
    case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CIPHER:
      return onTheWay(.tls("tls: \(reason)"))
    case CURLE_GOT_NOTHING: return onTheWay(.noAnswer)
    case CURLE_PARTIAL_FILE: return onTheWay(.answerCut)
    case CURLE_RECV_ERROR, CURLE_SEND_ERROR: return onTheWay(broken(code, reason, easy))
    default: return onTheWay(.failed(reason))
    }
  }

  /// The reason with which a proxy did not connect.
  private func proxyRefusal(_ easy: UnsafeMutableRawPointer) -> String? {
    var status = 0
    apus_curl_get_long(easy, CURLINFO_HTTP_CONNECTCODE, &status)
    if status == 0 || 200..<300 ~= status { return nil }
    return MHD_get_reason_phrase_for(UInt32(clamping: status)).map { String(cString: $0) } ?? "unknown status code"
  }

  /// The connection's time is up before the exchange's: Go's client speaks of the connection.
  private func timeout(_ easy: UnsafeMutableRawPointer) -> HTTPClientError {
    var connected: Int64 = 0
    apus_curl_get_offset(easy, CURLINFO_CONNECT_TIME_T, &connected)
    if remainingMilliseconds < 5 { return .timedOut }
    if connected > 0 { return onTheWay(.tls("net/http: TLS handshake timeout")) }
    return onTheWay(.cannotConnect(address: address(easy), reason: "i/o timeout"))
  }

  private func cannotConnect(_ easy: UnsafeMutableRawPointer) -> HTTPClientError {
    var number = 0
    apus_curl_get_long(easy, CURLINFO_OS_ERRNO, &number)
    let why = number == 0 ? "connection refused" : errorText(Int32(truncatingIfNeeded: number)).lowercased()
    if let path = request.unixSocket { return .failed("dial unix \(path): connect: \(why)") }
    if let proxy = options.proxy.url(chain.url), let parts = URLParts(proxy.contains("://") ? proxy : "http://" + proxy)
    {
      return .proxy("proxyconnect tcp: dial tcp \(parts.address): connect: \(why)")
    }
    return .cannotConnect(address: address(easy), reason: "connect: \(why)")
  }

  /// The address that was tried first, or the URL's.
  private func address(_ easy: UnsafeMutableRawPointer) -> String {
    if let address = answer.address { return address }
    guard let parts = URLParts(chain.url) else { return chain.url }
    guard let text = apus_curl_get_text(easy, CURLINFO_PRIMARY_IP), text.pointee != 0 else { return parts.address }
    let host = String(cString: text)
    return host.contains(":") ? "[\(host)]:\(parts.port)" : "\(host):\(parts.port)"
  }

  private func broken(_ code: CURLcode, _ reason: String, _ easy: UnsafeMutableRawPointer) -> HTTPClientError {
    var number = 0
    apus_curl_get_long(easy, CURLINFO_OS_ERRNO, &number)
    // A TLS connection that ends without a farewell.
    if reason.contains("non-properly terminated") { return answer.status == 0 ? .noAnswer : .answerCut }
    if number == 0 { return .failed(reason) }
    let verb = code == CURLE_RECV_ERROR ? "read" : "write"
    return .failed(
      "\(verb) tcp \(address(easy)): \(verb): \(errorText(Int32(truncatingIfNeeded: number)).lowercased())")
  }

  private func verification(_ reason: String, _ easy: UnsafeMutableRawPointer) -> String {
    var bits = 0
    apus_curl_get_long(easy, CURLINFO_SSL_VERIFYRESULT, &bits)
    if reason.contains("does not match target host name") {
      // `certificate subject name (A) does not match target host name 'B'`
      guard let opening = reason.firstIndex(of: "("), let closing = reason.lastIndex(of: ")"), opening < closing else {
        return reason
      }
      let subject = reason[reason.index(after: opening)..<closing]
      return "certificate is valid for \(subject), not \(reason.split(separator: "'").last ?? "")"
    }
    // GnuTLS's bits.
    if bits & 0x400 != 0 || bits & 0x200 != 0 { return "certificate has expired or is not yet valid" }
    if bits & 0x20 != 0 { return "certificate has been revoked" }
    if bits & 0x40 != 0 || bits & 0x80 != 0 || reason.contains("CAfile") {
      return "certificate signed by unknown authority"
    }
    return reason
  }

  private func handshake(_ reason: String) -> String {
    if reason.contains("unexpected TLS packet") || reason.contains("packet with illegal or unsupported version") {
      return "http: server gave HTTP response to HTTPS client"
    }
    if reason.contains("non-properly terminated") || reason.contains("Error in the pull function") { return "EOF" }
    if reason.contains("fatal alert"), let colon = reason.lastIndex(of: ":") {
      return "remote error: tls:\(reason[reason.index(after: colon)...].lowercased())"
    }
    let own = reason.firstRange(of: "failed: ").map { reason[$0.upperBound...] } ?? reason[...]
    return "tls: \(own.prefix(1).lowercased())\(own.dropFirst())"
  }
}
