/// A request in the one form that its sender signs and its receiver checks (AWS Signature Version 4). Pure: whoever signs
/// makes it from what is about to be sent, whoever verifies from what has arrived.
package struct CanonicalRequest: Sendable, Equatable {
  /// The canonical text, whose hash is signed.
  package let text: String
  /// Names of the headers that the signature covers: small letters, sorted, joined by `;`.
  package let signedHeaders: String

  /// `path` and `query` as they stand in the request, percent-encoded and without the `?` between them; `headers` are those
  /// to be covered, `host` among them. `payloadHash`: SHA-256 of the body in hexadecimal, or what stands for it.
  package init(
    method: String, path: String, query: String, headers: [(name: String, value: String)], payloadHash: String
  ) {
    var values: [String: [String]] = [:]
    for (name, value) in headers { values[name.lowercased(), default: []].append(Self.trimmed(value)) }
    let names = values.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    signedHeaders = names.joined(separator: ";")
    var lines = [method, Self.path(path), Self.query(query)]
    lines += names.map { "\($0):\((values[$0] ?? []).joined(separator: ","))" }
    text = (lines + ["", signedHeaders, payloadHash]).joined(separator: "\n")
  }

  /// Each part encoded once more, as all services but S3 want it, with `.`, `..` and empty parts resolved.
  private static func path(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/", omittingEmptySubsequences: true) where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    let isFolder = path.hasSuffix("/") || path.hasSuffix("/.") || path.hasSuffix("/..")
    let joined = parts.isEmpty ? "/" : "/" + parts.joined(separator: "/") + (isFolder ? "/" : "")
    return PercentText.encode(joined.utf8, keeping: "/")
  }

  /// Pairs sorted by encoded name, then by encoded value; a name without `=` has an empty value. A `+` is a blank, as in all
  /// queries.
  private static func query(_ query: String) -> String {
    let pairs = query.split(separator: "&", omittingEmptySubsequences: true).map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = encodedAgain(parts[0])
      let value = parts.count > 1 ? encodedAgain(parts[1]) : ""
      return (name, value)
    }
    return pairs.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
  }

  private static func encodedAgain(_ text: Substring) -> String {
    PercentText.encode(PercentText.decode(text.utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }))
  }

  /// Without spaces at the ends, and one for each run of them within.
  package static func trimmed(_ value: String) -> String {
    var last = UInt8(ascii: " ")
    for byte in value.utf8 {
      // Most values have nothing to trim.
      if byte == UInt8(ascii: "\t") || byte == UInt8(ascii: " ") && last == byte { return collapsed(value) }
      last = byte
    }
    return last == UInt8(ascii: " ") ? collapsed(value) : value
  }

  private static func collapsed(_ value: String) -> String {
    value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
  }
}
