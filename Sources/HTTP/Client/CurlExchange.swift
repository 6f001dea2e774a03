import CShims
import Glibc

/// One request and its answer on a handle. Lives for `perform`; libcurl's callbacks get it unretained.
final class CurlExchange {
  private let request: ClientRequest
  private let options: HTTPClientOptions
  private let isCancelled: () -> Bool
  private let responseBytesMax: Int
  private var body: [UInt8] = []
  private var headers: [(name: String, value: String)] = []
  private var headerBytes = 0
  private var isTooLarge = false
  private var lists: [UnsafeMutablePointer<curl_slist>] = []

  init(_ request: ClientRequest, _ options: HTTPClientOptions, isCancelled: @escaping () -> Bool) {
    self.request = request
    self.options = options
    self.isCancelled = isCancelled
    responseBytesMax = min(options.responseBytesMax, request.responseBytesMax ?? Int.max)
  }

  deinit { for list in lists { curl_slist_free_all(list) } }

  func perform(_ handle: CurlHandle) throws(HTTPClientError) -> ClientResponse {
    try check()
    return try withErrorBuffer { (message) throws(HTTPClientError) in
      setCommon(handle.easy, message)
      setLimits(handle.easy)
      setTLS(handle.easy)
      setHeaders(handle.easy)
      let code = performWithBody(handle.easy)
      if code != CURLE_OK { throw error(code, message) }
      var status = 0
      apus_curl_get_long(handle.easy, CURLINFO_RESPONSE_CODE, &status)
      return ClientResponse(status: status, headers: headers, body: body)
    }
  }

  /// Refuses what libcurl would put on the wire as it is.
  private func check() throws(HTTPClientError) {
    guard request.url.hasPrefix("http://") || request.url.hasPrefix("https://") else {
      throw .invalidRequest("the URL \"\(request.url)\" is neither http nor https")
    }
    let texts = [request.method] + request.headers.flatMap { [$0.name, $0.value] }
    for text in texts where text.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
      throw .invalidRequest("a control character in the method or a header")
    }
  }

  private func setCommon(_ easy: UnsafeMutableRawPointer, _ message: UnsafeMutablePointer<CChar>) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    apus_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, message)
    apus_curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
    apus_curl_set_pointer(easy, CURLOPT_URL, request.url)
    apus_curl_set_pointer(easy, CURLOPT_USERAGENT, options.userAgent)
    apus_curl_set_pointer(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    apus_curl_set_pointer(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
    // Asked for, and taken out of it by libcurl.
    apus_curl_set_pointer(easy, CURLOPT_ACCEPT_ENCODING, "gzip")
    apus_curl_set_pointer(easy, CURLOPT_PROXY, options.proxyURL ?? "")
    apus_curl_set_long(easy, CURLOPT_TCP_NODELAY, 1)
    apus_curl_set_write(easy, bodyArrived, context)
    apus_curl_set_header(easy, headerArrived, context)
    apus_curl_set_progress(easy, progressed, context)
  }

  private func setLimits(_ easy: UnsafeMutableRawPointer) {
    let total = min(options.totalMillisecondsMax, request.totalMillisecondsMax ?? Int.max)
    apus_curl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, options.connectMillisecondsMax)
    apus_curl_set_long(easy, CURLOPT_TIMEOUT_MS, total)
    // As sent: a compressed answer is counted again when it is unpacked.
    apus_curl_set_offset(easy, CURLOPT_MAXFILESIZE_LARGE, Int64(responseBytesMax))
    // One connection a handle: idle handles are what is pooled.
    apus_curl_set_long(easy, CURLOPT_MAXCONNECTS, 1)
    if case .followed(let max) = options.redirects {
      apus_curl_set_long(easy, CURLOPT_FOLLOWLOCATION, 1)
      apus_curl_set_long(easy, CURLOPT_MAXREDIRS, max)
    }
  }

  private func setTLS(_ easy: UnsafeMutableRawPointer) {
    let tls = options.tls
    if let file = tls.authorityFile { apus_curl_set_pointer(easy, CURLOPT_CAINFO, file) }
    if let file = tls.certificateFile { apus_curl_set_pointer(easy, CURLOPT_SSLCERT, file) }
    if let file = tls.keyFile { apus_curl_set_pointer(easy, CURLOPT_SSLKEY, file) }
    if tls.isInsecure {
      apus_curl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 0)
      apus_curl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 0)
    }
  }

  private func setHeaders(_ easy: UnsafeMutableRawPointer) {
    // An empty value silences what libcurl would add itself: waiting for `100 Continue` costs a round trip, and a
    // body is not a form unless the caller says so.
    var lines = ["Expect:"]
    if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) { lines.append("Content-Type:") }
    // `name;` sends a header without a value.
    lines += request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines { list = curl_slist_append(list, line) ?? list }
    if let list { lists.append(list) }
    apus_curl_set_pointer(easy, CURLOPT_HTTPHEADER, list)
  }

  private func performWithBody(_ easy: UnsafeMutableRawPointer) -> CURLcode {
    if request.method == "HEAD" { apus_curl_set_long(easy, CURLOPT_NOBODY, 1) }
    // Without a body libcurl would read one from standard input.
    let isBodyExpected = ["POST", "PUT", "PATCH"].contains(request.method)
    guard let body = request.body ?? (isBodyExpected ? [] : nil) else {
      apus_curl_set_pointer(easy, CURLOPT_CUSTOMREQUEST, request.method == "HEAD" ? nil : request.method)
      return curl_easy_perform(easy)
    }
    return body.withUnsafeBytes { bytes in
      apus_curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int64(bytes.count))
      // Lent, not copied: it outlives the exchange.
      return withUnsafeBytes(of: UInt8(0)) { empty in
        apus_curl_set_pointer(easy, CURLOPT_POSTFIELDS, bytes.baseAddress ?? empty.baseAddress)
        apus_curl_set_pointer(easy, CURLOPT_CUSTOMREQUEST, request.method)
        return curl_easy_perform(easy)
      }
    }
  }

  private func withErrorBuffer(
    _ body: (UnsafeMutablePointer<CChar>) throws(HTTPClientError) -> ClientResponse
  ) throws(HTTPClientError) -> ClientResponse {
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    buffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    defer { buffer.deallocate() }
    return try body(buffer)
  }

  private func error(_ code: CURLcode, _ message: UnsafeMutablePointer<CChar>) -> HTTPClientError {
    let reason = message.pointee == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: message)
    if isTooLarge { return .responseTooLarge(bytesMax: responseBytesMax) }
    switch code {
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .invalidRequest(reason)
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .cannotResolve(reason)
    case CURLE_COULDNT_CONNECT: return .cannotConnect(reason)
    case CURLE_OPERATION_TIMEDOUT: return .timedOut(reason)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE:
      return .tls(reason)
    case CURLE_FILESIZE_EXCEEDED: return .responseTooLarge(bytesMax: responseBytesMax)
    case CURLE_TOO_MANY_REDIRECTS: return .tooManyRedirects
    case CURLE_ABORTED_BY_CALLBACK: return .cancelled
    default: return .failed(reason)
    }
  }

  // MARK: Callbacks

  /// False ends the exchange.
  fileprivate func takeBody(_ piece: UnsafeRawBufferPointer) -> Bool {
    if body.count + piece.count > responseBytesMax {
      isTooLarge = true
      return false
    }
    body.append(contentsOf: piece)
    return true
  }

  fileprivate func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    headerBytes += line.count
    if headerBytes > options.responseHeaderBytesMax {
      isTooLarge = true
      return false
    }
    // Each answer on the way (a redirect, a `100 Continue`) begins anew.
    if line.starts(withASCII: "HTTP/") {
      headers.removeAll()
      body.removeAll()
      return true
    }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return true }
    var lower = colon + 1
    var upper = line.count
    while lower < upper, line[lower] <= 0x20 { lower += 1 }
    while upper > lower, line[upper - 1] <= 0x20 { upper -= 1 }
    headers.append((line.part(0..<colon).string, line.part(lower..<upper).string))
    return true
  }

  fileprivate func shouldStop() -> Bool { isCancelled() }
}

private func bodyArrived(
  bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
  guard let context else { return 0 }
  let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
  let total = size * count
  return exchange.takeBody(UnsafeRawBufferPointer(start: bytes, count: total)) ? total : -1
}

private func headerArrived(
  bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
  guard let context else { return 0 }
  let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
  let total = size * count
  return exchange.takeHeader(UnsafeRawBufferPointer(start: bytes, count: total)) ? total : -1
}

private func progressed(
  context: UnsafeMutableRawPointer?, downTotal: Int, down: Int, upTotal: Int, up: Int
) -> Int32 {
  guard let context else { return 1 }
  return Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue().shouldStop() ? 1 : 0
}
