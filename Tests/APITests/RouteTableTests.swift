import Glibc
import HTTP
import TestKit
import Testing

@testable import API

@Suite("The routes")
struct RouteTableTests {
  private static let page =
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/security.md"

  /// The routes that somebody has to be allowed.
  private static func guarded() throws -> [Route] {
    try APIBench().routes.filter { $0.action?.name != "apus:Preflight" }
  }

  @Test("no route is without an action: one that forgets it would be refused to everybody once there are credentials")
  func actions() throws {
    let routes = try APIBench().routes
    #expect(routes.count > 100)
    for route in routes { #expect(route.action != nil, "\(route.methods) \(route.pattern)") }
  }

  /// `APUS_WRITE_ROUTES=1` writes the table into the page instead.
  @Test("the table of docs/security.md has every route with its action")
  func table() throws {
    var rows = ["| path | methods | where | action |", "|---|---|---|---|"]
    for route in try Self.guarded().sorted(by: { ($0.pattern, $0.methods.rawValue) < ($1.pattern, $1.methods.rawValue) }
    ) {
      let place = route.pattern.contains("{workspaceId}") ? "there" : route.inWorkspaces ? "both" : "once"
      let methods = route.methods.subtracting(.head).description
      rows.append("| `\(route.pattern)` | \(methods) | \(place) | `\(route.action?.name ?? "")` |")
    }
    let (start, end) = ("<!-- generated: routes -->\n", "<!-- end -->")
    let text = String(decoding: try #require(readFile(Self.page)), as: UTF8.self)
    let first = try #require(text.firstRange(of: start)).upperBound
    let last = try #require(text[first...].firstRange(of: end)).lowerBound
    let wanted = rows.joined(separator: "\n") + "\n"
    if environmentVariable("APUS_WRITE_ROUTES") != nil {
      try overwriteFile(Self.page, Array((text[..<first] + wanted + text[last...]).utf8))
    } else {
      #expect(text[first..<last] == wanted, "APUS_WRITE_ROUTES=1 scripts/test --filter RouteTable writes it anew")
    }
  }
}
