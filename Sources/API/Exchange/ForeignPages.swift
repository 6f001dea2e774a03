import HTTP

/// Tells requests that a browser sends for a page of somebody else: they carry the rights of the one who sits before it, and not
/// his leave. Immutable.
///
/// Requests that change something are refused then. Queries are not: whether a page may read their answers is what
/// `CORSPolicy` says. Neither are samples, which pages send on purpose, and never with the rights of a user.
struct ForeignPages: Sendable {
  static let text = "requests that change something are not taken from pages of another origin"

  /// `http://host:9090` of the outside address; empty where it is not known.
  private let ownOrigin: String

  init(_ links: WebLinks) { ownOrigin = links.origin.lowercased() }

  /// True if the request comes from a page of another origin. Programs that are no browsers say nothing of that.
  func isBehind(_ request: Request) -> Bool {
    // Browsers know it best: behind a proxy the host is another one than the page's.
    switch request.header("Sec-Fetch-Site") {
    case "same-origin", "none": return false
    case nil: break
    default: return !isOwn(request.header("Origin"), request)
    }
    guard let origin = request.header("Origin") else { return false }
    return !isOwn(origin, request)
  }

  private func isOwn(_ origin: String?, _ request: Request) -> Bool {
    guard let origin = origin?.lowercased(), origin != "null" else { return false }
    if origin == ownOrigin { return true }
    let host = (request.header("Host") ?? "").lowercased()
    return ["http://", "https://"].contains { $0 + host == origin }
  }

  /// The same handler, which refuses foreign pages with this answer.
  func refusing(with answer: Response = .text(403, text), _ handler: @escaping Handler) -> Handler {
    { request in isBehind(request) ? answer : handler(request) }
  }
}
