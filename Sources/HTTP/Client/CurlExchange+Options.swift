import CShims

extension CurlExchange {
  func setCommon(_ easy: UnsafeMutableRawPointer) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    apus_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, message)
    apus_curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
    // A name server that does not answer holds nobody up.
    apus_curl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
    apus_curl_set_pointer(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    apus_curl_set_long(easy, CURLOPT_TCP_NODELAY, 1)
    apus_curl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
    apus_curl_set_long(easy, CURLOPT_PATH_AS_IS, 1)
    // The body is taken as it is: `CurlAnswer` decides what is unpacked.
    apus_curl_set_long(easy, CURLOPT_HTTP_CONTENT_DECODING, 0)
    let version = options.isHTTP2Enabled ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
    apus_curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(version))
    apus_curl_set_write(easy, bodyArrived, context)
    apus_curl_set_header(easy, headerArrived, context)
    apus_curl_set_open(easy, socketWanted, context)
    if asksForCancellation { apus_curl_set_progress(easy, progressed, context) }
  }

  func setLimits(_ easy: UnsafeMutableRawPointer, _ remaining: Int) {
    apus_curl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, min(remaining, options.connectMillisecondsMax))
    apus_curl_set_long(easy, CURLOPT_TIMEOUT_MS, remaining)
    apus_curl_set_long(easy, CURLOPT_MAXAGE_CONN, Self.idleSecondsMax)
    // Each new connection looks its name up, as with Go's client. libcurl walks what it remembers of names after each request,
    // which grows with the square of the number of hosts.
    apus_curl_set_long(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0)
  }

  /// As Prometheus keeps idle connections.
  private static var idleSecondsMax: Int { 300 }

  /// The URL, and where it is connected to.
  func setAddress(_ easy: UnsafeMutableRawPointer, _ parts: URLParts) throws(HTTPClientError) {
    if let path = request.unixSocket { apus_curl_set_pointer(easy, CURLOPT_UNIX_SOCKET_PATH, path) }
    try setProxy(easy, parts)
    let name = options.tls.serverName
    guard parts.scheme == "https", !name.isEmpty, name.lowercased() != parts.host else {
      apus_curl_set_pointer(easy, CURLOPT_URL, chain.url)
      return
    }
    // libcurl asks for, and verifies, the name in the URL. The connection goes to the true host, and `setHeaders` names it.
    guard let url = URLParts.replacingHost(of: chain.url, with: name) else {
      throw .tls("tls: \(name) is no server name")
    }
    apus_curl_set_pointer(easy, CURLOPT_URL, url)
    let host = parts.host.contains(":") ? "[\(parts.host)]" : parts.host
    apus_curl_set_pointer(easy, CURLOPT_CONNECT_TO, list(["::\(host):\(parts.port)"]))
  }

  private func setProxy(_ easy: UnsafeMutableRawPointer, _ parts: URLParts) throws(HTTPClientError) {
    guard request.unixSocket == nil, var url = options.proxy.url(chain.url), !url.isEmpty else {
      apus_curl_set_pointer(easy, CURLOPT_PROXY, "")
      return
    }
    if !url.contains("://") { url = "http://" + url }
    let scheme = url.prefix { $0 != ":" }.lowercased()
    guard ["http", "https", "socks5", "socks5h"].contains(scheme) else {
      throw .proxy("proxy: unknown scheme: \(scheme)")
    }
    // The proxy looks names up, as with Go's client.
    if scheme == "socks5" { url = "socks5h" + url.dropFirst(6) }
    apus_curl_set_pointer(easy, CURLOPT_PROXY, url)
    apus_curl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    apus_curl_set_long(easy, CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
    // Of a plain request the proxy would send them on.
    if parts.scheme != "https" { return }
    let lines = options.proxy.connectHeaders.map { Self.line($0.name, $0.value) }
    if !lines.isEmpty { apus_curl_set_pointer(easy, CURLOPT_PROXYHEADER, list(lines)) }
  }

  func setTLS(_ easy: UnsafeMutableRawPointer) {
    let tls = options.tls
    if let file = tls.authorityFile { apus_curl_set_pointer(easy, CURLOPT_CAINFO, file) }
    if let file = tls.certificateFile { apus_curl_set_pointer(easy, CURLOPT_SSLCERT, file) }
    if let file = tls.keyFile { apus_curl_set_pointer(easy, CURLOPT_SSLKEY, file) }
    if tls.isInsecure {
      apus_curl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 0)
      apus_curl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 0)
    }
    // Go's client begins at 1.2 where nothing is said.
    let lowest = [CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_TLSv1_3]
    let highest = [
      CURL_SSLVERSION_MAX_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_2,
      CURL_SSLVERSION_MAX_TLSv1_3,
    ]
    let versionMax = tls.versionMax ?? .tls13
    let versionMin = tls.versionMin ?? min(.tls12, versionMax)
    let bits = Int(lowest[versionMin.rawValue]) | Int(highest[versionMax.rawValue])
    apus_curl_set_long(easy, CURLOPT_SSLVERSION, bits)
  }

  func setHeaders(_ easy: UnsafeMutableRawPointer, _ parts: URLParts) {
    let names = Set(chain.headers.map { $0.name.lowercased() })
    // An empty value silences what libcurl would add itself: waiting for `100 Continue` costs a round trip, and a
    // body is not a form unless the caller says so.
    var lines = ["Expect:"]
    if !names.contains("content-type") { lines.append("Content-Type:") }
    if !names.contains("accept") { lines.append("Accept:") }
    if request.acceptsGzip && !names.contains("accept-encoding") { lines.append("Accept-Encoding: gzip") }
    if !names.contains("user-agent") { lines.append("User-Agent: \(options.userAgent)") }
    if !names.contains("host") { lines.append("Host: \(parts.hostHeader)") }
    lines += chain.headers.map { Self.line($0.name, $0.value) }
    apus_curl_set_pointer(easy, CURLOPT_HTTPHEADER, list(lines))
  }

  /// `name;` sends a header without a value.
  private static func line(_ name: String, _ value: String) -> String {
    value.isEmpty ? "\(name);" : "\(name): \(value)"
  }
}
