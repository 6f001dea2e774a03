/// The forms of a request's path and query that its signer may have signed: clients do not agree on them. Two requests that
/// share a form mean the same to this server, so that none can be put in the other's place. Pure.
package enum SignatureCandidates {
  /// The path as signed, most likely first; `wire` as it stands in the request.
  package static func paths(_ wire: String) -> [String] {
    var forms = [PercentText.encode(wire.utf8, keeping: "/")]
    // An empty part means nothing here; `.` and `..` are names like others, so no form without them is taken.
    let parts = wire.split(separator: "/", omittingEmptySubsequences: true)
    if !parts.contains(where: { $0 == "." || $0 == ".." }) {
      let isFolder = wire.hasSuffix("/") && !parts.isEmpty
      add(
        PercentText.encode(("/" + parts.joined(separator: "/") + (isFolder ? "/" : "")).utf8, keeping: "/"), to: &forms)
    }
    // As written; encoded a second time, another path could have this form.
    if !wire.utf8.contains(UInt8(ascii: "%")) { add(wire, to: &forms) }
    return forms
  }

  /// The query as signed, most likely first. `wire` as it stands in the request, without the `?`, and without a signature
  /// of its own.
  package static func queries(_ wire: String) -> [String] {
    if wire.isEmpty { return [""] }
    let pairs = wire.split(separator: "&", omittingEmptySubsequences: true).map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return Pair(name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
    }
    // A blank may have been sent as `+`.
    let encoded = pairs.map { Pair(name: again($0.name), value: again($0.value)) }
    var forms = [text(encoded.sorted())]
    add(text(pairs.sorted()), to: &forms)
    add(text(encoded), to: &forms)
    add(text(pairs), to: &forms)
    add(wire, to: &forms)
    return forms
  }

  private struct Pair: Comparable {
    var name: String
    var value: String

    static func < (left: Pair, right: Pair) -> Bool {
      left.name == right.name
        ? left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
        : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }
  }

  private static func again(_ text: String) -> String {
    PercentText.encode(PercentText.decode(text.utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }))
  }

  private static func text(_ pairs: [Pair]) -> String { pairs.map { "\($0.name)=\($0.value)" }.joined(separator: "&") }

  private static func add(_ form: String, to forms: inout [String]) { if !forms.contains(form) { forms.append(form) } }
}
