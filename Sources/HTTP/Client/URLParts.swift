import CShims

/// The parts of a URL that a client looks at, read by libcurl's own parser: what is decided about a URL and where
/// libcurl goes are one.
package struct URLParts: Equatable, Sendable {
  package var scheme: String
  /// Without brackets, in lower case.
  package var host: String
  /// Given, or the scheme's.
  package var port: Int
  /// True if the URL names its port.
  package var isPortGiven: Bool
  /// The whole, without user and fragment.
  package var bare: String

  /// Nil for what is no http or https URL.
  package init?(_ text: String, relativeTo base: String? = nil) {
    guard let handle = curl_url() else { return nil }
    defer { curl_url_cleanup(handle) }
    let flags = UInt32(CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS)
    if let base, curl_url_set(handle, CURLUPART_URL, base, flags) != CURLUE_OK { return nil }
    guard curl_url_set(handle, CURLUPART_URL, text, flags) == CURLUE_OK else { return nil }
    guard let scheme = Self.part(handle, CURLUPART_SCHEME), let host = Self.part(handle, CURLUPART_HOST),
      let port = Self.part(handle, CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap({ Int($0) }),
      scheme == "http" || scheme == "https", !host.isEmpty
    else { return nil }
    self.scheme = scheme
    self.host = host.drop { $0 == "[" }.lowercased().filter { $0 != "]" }
    self.port = port
    isPortGiven = Self.part(handle, CURLUPART_PORT) != nil
    curl_url_set(handle, CURLUPART_USER, nil, 0)
    curl_url_set(handle, CURLUPART_PASSWORD, nil, 0)
    curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0)
    guard let bare = Self.part(handle, CURLUPART_URL) else { return nil }
    self.bare = bare
  }

  private static func part(_ handle: OpaquePointer, _ what: CURLUPart, _ flags: UInt32 = 0) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(handle, what, &text, flags) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }

  /// `host:port`, with brackets around an IPv6 address.
  package var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// A URL with another host, user and all else as it was.
  package static func replacingHost(of url: String, with host: String) -> String? {
    guard let handle = curl_url() else { return nil }
    defer { curl_url_cleanup(handle) }
    let bracketed = host.contains(":") ? "[\(host)]" : host
    guard curl_url_set(handle, CURLUPART_URL, url, UInt32(CURLU_PATH_AS_IS)) == CURLUE_OK,
      curl_url_set(handle, CURLUPART_HOST, bracketed, 0) == CURLUE_OK
    else { return nil }
    return part(handle, CURLUPART_URL)
  }

  /// The value of a `Host` header.
  package var hostHeader: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return isPortGiven ? "\(name):\(port)" : name
  }
}
