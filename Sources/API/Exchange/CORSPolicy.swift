import HTTP
import Model

/// The origins whose pages may read the API: `--web.cors.origin`. Immutable.
package struct CORSPolicy: Sendable {
  private enum Origins: Sendable {
    case all, none
    case matching(RegexMatcher)
  }

  private let origins: Origins

  /// Every origin.
  package static let any = CORSPolicy(origins: .all)
  /// No origin: pages of others read nothing.
  package static let none = CORSPolicy(origins: .none)

  private init(origins: Origins) { self.origins = origins }

  /// Origins that the whole of a regular expression matches.
  package init(_ pattern: String) throws(RegexError) {
    self.init(origins: pattern == ".*" ? .all : .matching(try RegexMatcher(pattern)))
  }

  private func allows(_ origin: String) -> Bool {
    switch origins {
    case .all: true
    case .none: false
    case .matching(let matcher): matcher.matches(origin)
    }
  }

  /// Adds what a browser asks for before it shows the answer to a page.
  func apply(to response: Response, for request: Request) -> Response {
    var response = response.with(header: "Vary", "Origin")
    // It is sent back, and what would end a header line is no origin.
    guard let origin = request.header("Origin"), !origin.isEmpty, origin.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
    else { return response }
    response.headers += [
      ("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin"),
      ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"), ("Access-Control-Expose-Headers", "Date"),
    ]
    if allows(origin) { response.headers.append(("Access-Control-Allow-Origin", origin)) }
    return response
  }
}
