/// Text with `$NAME` and `${NAME}` in it. `$$` stands for a dollar; a name that is not set for nothing.
enum EnvironmentText {
  static func expand(_ text: String, _ environment: [String: String]) -> (text: String, missing: [String]) {
    var result = ""
    var missing: [String] = []
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      guard let name = takeName(&rest) else {
        result += "$"
        continue
      }
      if name == "$" {
        result += "$"
      } else if let value = environment[String(name)], !value.isEmpty {
        result += value
      } else if !name.isEmpty {
        missing.append(String(name))
      }
    }
    return (result + rest, missing)
  }

  /// Takes the name after a dollar from `rest`: empty where braces hold none, nil where no name begins.
  private static func takeName(_ rest: inout Substring) -> Substring? {
    guard let first = rest.first else { return nil }
    if first == "{" {
      let inside = rest.dropFirst()
      guard let close = inside.firstIndex(of: "}") else {
        // An open brace is dropped, as in Prometheus.
        rest = inside
        return inside[..<inside.startIndex]
      }
      rest = inside[inside.index(after: close)...]
      return inside[..<close]
    }
    if "*#$@!?-0123456789".contains(first) {
      let name = rest.prefix(1)
      rest = rest.dropFirst()
      return name
    }
    let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    rest = rest.dropFirst(name.count)
    return name.isEmpty ? nil : name
  }
}
