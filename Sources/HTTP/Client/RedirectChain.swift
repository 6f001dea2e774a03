/// One request and where redirects have led it, by the rules of Go's client: 301, 302 and 303 turn all but GET and
/// HEAD into GET, 307 and 308 repeat the request; off the domain of the first host, credentials stay behind for good.
struct RedirectChain {
  enum Step: Equatable {
    /// The answer is the last.
    case arrived
    case again
    case tooMany
    case unreadable(location: String)
  }

  private static let sensitiveNames: Set<String> = [
    "authorization", "www-authenticate", "cookie", "cookie2", "proxy-authorization", "proxy-authenticate",
  ]

  private(set) var method: String
  private(set) var url: String
  private(set) var sendsBody: Bool
  private(set) var headers: [(name: String, value: String)]
  private(set) var count = 0
  /// The first host, once a redirect has made it of interest.
  private var host: String?
  private let first: ClientRequest
  private var hasLeft = false

  init(_ request: ClientRequest) {
    first = request
    method = request.method
    url = request.url
    // A socket in the file system needs no host, and libcurl would take the path for one.
    if request.unixSocket != nil, let slashes = url.firstRange(of: ":///") {
      url.replaceSubrange(slashes, with: "://localhost/")
    }
    sendsBody = request.body != nil
    headers = request.secretHeaders.isEmpty ? request.headers : request.headers + request.secretHeaders
  }

  /// Looks at an answer and moves on where it says so.
  mutating func take(status: Int, location: String?, max: Int) -> Step {
    guard [301, 302, 303, 307, 308].contains(status), let location, !location.isEmpty else { return .arrived }
    guard let next = URLParts(location, relativeTo: url) else { return .unreadable(location: location) }
    let last = URLParts(url)
    let host = host ?? last?.host ?? ""
    self.host = host
    if status < 307 {
      if method != "GET" && method != "HEAD" { method = "GET" }
      sendsBody = false
    }
    url = next.bare
    count += 1
    if count > max { return .tooMany }
    if !Self.isWithin(next.host, host) { hasLeft = true }
    if hasLeft { headers = first.headers.filter { !Self.sensitiveNames.contains($0.name.lowercased()) } }
    if !sendsBody { headers.removeAll { ["content-type", "content-encoding"].contains($0.name.lowercased()) } }
    headers.removeAll { $0.name.lowercased() == "referer" || $0.name.lowercased() == "host" }
    if let last, last.scheme == "http" || next.scheme == "https" { headers.append(("Referer", last.bare)) }
    return .again
  }

  /// True if the host is the other one, or of its domain.
  static func isWithin(_ host: String, _ domain: String) -> Bool {
    if domain.isEmpty { return false }
    if host == domain { return true }
    return !host.contains(":") && !host.contains("%") && host.hasSuffix(".\(domain)")
  }
}
