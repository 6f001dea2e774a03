import Discovery
import Model

extension FileDiscoveryOptions {
  /// `file_sd_configs`.
  static let section = Section(
    "file", FileDiscoveryOptions(),
    [.texts("files", \.files), .duration("refresh_interval", \.refreshMilliseconds)], rules: [.check(filesCanBeRead)])

  @Sendable private static func filesCanBeRead(_ section: SectionValue) -> RuleViolation? {
    let files = section.texts("files")
    if files.isEmpty {
      return RuleViolation("file service discovery config must contain at least one path name", at: "files")
    }
    return files.first { !isPattern($0) }.map {
      RuleViolation("path name \(quoted($0)) is not valid for file discovery", at: "files")
    }
  }

  /// True if the name ends as one of a list of targets does, in lower or in upper case, and has a star only in its last part.
  private static func isPattern(_ name: String) -> Bool {
    guard let ending = ["json", "yml", "yaml", "JSON", "YML", "YAML"].first(where: { name.hasSuffix("." + $0) }) else {
      return false
    }
    let stem = name.dropLast(ending.count + 1)
    guard let star = stem.firstIndex(of: "*") else { return true }
    return !stem[star...].contains("/")
  }
}
