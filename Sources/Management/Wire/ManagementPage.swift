import Format

/// The page of a list that a request asks for. Tokens name the last element of the page before, so that a page is right
/// whatever was made or removed in between.
package struct ManagementPage: Sendable {
  package static let resultsDefault = 100
  package static let resultsMax = 1_000
  package static let tokenBytesMax = 1_000

  private let resultsMax: Int
  /// Elements up to this key were told before; nil: the first page.
  private let after: String?

  package init(_ request: ManagementRequest) throws(ManagementError) {
    if let text = request.parameter("maxResults") {
      guard let number = Int(text), (1...ManagementPage.resultsMax).contains(number) else {
        throw .invalid("maxResults", "must be a whole number from 1 to \(ManagementPage.resultsMax)")
      }
      resultsMax = number
    } else {
      resultsMax = ManagementPage.resultsDefault
    }
    guard let token = request.parameter("nextToken") else {
      after = nil
      return
    }
    guard token.utf8.count <= ManagementPage.tokenBytesMax, let bytes = Base64.decode(token),
      let key = String(validating: bytes, as: UTF8.self), !key.isEmpty
    else { throw .invalid("nextToken", "is no token of this server") }
    after = key
  }

  /// The elements of the page, by key, which each has for itself; `next`: the token of the page behind it.
  package func of<Element>(
    _ all: [Element], by key: (Element) -> String
  ) -> (elements: [Element], next: String?) {
    var rest = all.sorted { key($0) < key($1) }
    if let after { rest.removeAll { key($0) <= after } }
    guard rest.count > resultsMax else { return (rest, nil) }
    let page = Array(rest.prefix(resultsMax))
    return (page, page.last.map { Base64.encode(Array(key($0).utf8)) })
  }
}
