import Format
import Model

extension Configuration {
  /// The configuration in effect as YAML, defaults filled in and secrets hidden: `/api/v1/status/config`.
  var text: String { YAMLWriter.text(Configuration.node(document)) }

  fileprivate static func node(_ section: SectionValue) -> YAMLNode {
    var entries: [YAMLEntry] = []
    for key in section.schema.keys {
      guard let value = section.values[key.name] else { continue }
      entries.append(YAMLEntry(key: key.name, value: node(value)))
    }
    return YAMLNode(.mapping(entries))
  }

  private static func node(_ value: ConfigurationValue) -> YAMLNode {
    switch value {
    case .text(let text), .selector(let text, _): quotable(text)
    case .secret(let text): quotable(text.isEmpty ? "" : "<secret>")
    case .url(let text): quotable(withoutPassword(text))
    case .boolean(let boolean): plain(boolean ? "true" : "false")
    case .milliseconds(let milliseconds): plain(DurationText.format(milliseconds))
    case .bytes(let bytes): plain(ByteSizeText.format(bytes))
    case .integer(let integer): plain(String(integer))
    case .number(let number): plain(numberText(number))
    case .list(let values): YAMLNode(.sequence(values.map { node($0) }))
    case .map(let entries): YAMLNode(.mapping(entries.map { YAMLEntry(key: $0.key, value: node($0.value)) }))
    case .section(let section): node(section)
    }
  }

  private static func plain(_ text: String) -> YAMLNode { YAMLNode(.scalar(YAMLScalar(text))) }
  private static func quotable(_ text: String) -> YAMLNode { YAMLNode(.scalar(YAMLScalar(text, isPlain: false))) }

  private static func numberText(_ number: Double) -> String {
    if number.isInfinite { return number < 0 ? "-.inf" : ".inf" }
    if number.isNaN { return ".nan" }
    return number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : "\(number)"
  }

  /// `user:password@` with the password hidden. `isWhole` is false for what is no URL: there a password may have signs that
  /// end it in one.
  static func withoutPassword(_ url: String, isWhole: Bool = true) -> String {
    guard let scheme = url.firstRange(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    let authority = isWhole ? rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" } : rest
    guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else { return url }
    return url[...colon] + "xxxxx" + url[at...]
  }
}

extension SectionValue {
  /// The section as YAML, defaults filled in and secrets hidden.
  var yaml: String { YAMLWriter.text(Configuration.node(self)) }
}
