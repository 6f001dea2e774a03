/// The parameters of a request: those of a form body (POST, PUT, PATCH) before those of the query, each name as often
/// as it was sent, in order. Decoded when asked for; the router has refused malformed ones before a handler runs.
extension Request {
  /// The first value of this name.
  package func parameter(_ name: String) -> String? {
    var found: String?
    forEachParameter { rawName, rawValue in
      guard matches(rawName, name) else { return true }
      found = PercentDecoding.text(rawValue, plusIsSpace: true)
      return false
    }
    return found
  }

  /// Every value of this name, in order.
  package func parameterValues(_ name: String) -> [String] {
    var values: [String] = []
    forEachParameter { rawName, rawValue in
      if matches(rawName, name) { values.append(PercentDecoding.text(rawValue, plusIsSpace: true)) }
      return true
    }
    return values
  }

  package func hasParameter(_ name: String) -> Bool {
    var found = false
    forEachParameter { rawName, _ in
      found = matches(rawName, name)
      return !found
    }
    return found
  }

  /// All of them, in order.
  package var parameters: [(name: String, value: String)] {
    var all: [(name: String, value: String)] = []
    forEachParameter { rawName, rawValue in
      all.append(
        (PercentDecoding.text(rawName, plusIsSpace: true), PercentDecoding.text(rawValue, plusIsSpace: true)))
      return true
    }
    return all
  }

  /// The query as the client wrote it, without the parameters whose decoded names `isLeftOut` is true for.
  package func queryText(without isLeftOut: (String) -> Bool) -> String {
    queryText.split(separator: "&").filter { pair in
      let name = Array(pair.utf8.prefix { $0 != UInt8(ascii: "=") })
      return !isLeftOut(name.withUnsafeBytes { PercentDecoding.text($0, plusIsSpace: true) })
    }.joined(separator: "&")
  }

  /// True if the body is a form whose fields are parameters.
  package var hasFormBody: Bool {
    guard !body.isEmpty, route?.readsForm ?? false, !method.isDisjoint(with: [.post, .put, .patch]),
      let type = head.value(("content-type" as StaticString).rawBytes)
    else { return false }
    let form = ("application/x-www-form-urlencoded" as StaticString).rawBytes
    guard type.count >= form.count, type.part(0..<form.count).equalsIgnoringCase(form) else { return false }
    return type.count == form.count || type[form.count] == UInt8(ascii: ";") || type[form.count] == UInt8(ascii: " ")
  }

  /// True if the body, where it is a form, can be decoded.
  var isFormWellFormed: Bool { !hasFormBody || PercentDecoding.isWellFormed(body) }

  private func matches(_ rawName: UnsafeRawBufferPointer, _ name: String) -> Bool {
    var name = name
    return name.withUTF8 { PercentDecoding.equals(rawName, UnsafeRawBufferPointer($0), plusIsSpace: true) }
  }

  /// Raw names and values until `body` says false.
  private func forEachParameter(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool) {
    if hasFormBody && !Self.forEachPair(self.body, body) { return }
    _ = Self.forEachPair(head.rawQuery, body)
  }

  private static func forEachPair(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
  ) -> Bool {
    var start = 0
    while start < bytes.count {
      var end = start
      var equals = -1
      while end < bytes.count && bytes[end] != UInt8(ascii: "&") {
        if equals < 0 && bytes[end] == UInt8(ascii: "=") { equals = end }
        end += 1
      }
      if end > start {
        let nameEnd = equals < 0 ? end : equals
        let valueStart = equals < 0 ? end : equals + 1
        if !body(bytes.part(start..<nameEnd), bytes.part(valueStart..<end)) { return false }
      }
      start = end + 1
    }
    return true
  }
}
