/// The shared files of AWS's programs, `~/.aws/config` and `~/.aws/credentials`: profiles of keys and values. A value.
package struct AWSProfiles: Sendable, Equatable {
  /// Values by profile; a key of the credentials file takes the place of the same one of the other.
  package private(set) var profiles: [String: [String: String]] = [:]

  package init() {}

  /// More lines than this are not looked at.
  private static let linesMax = 100_000

  /// Adds what a file says. In `config` a profile's section is `[profile name]` (or `[default]`), in `credentials` `[name]`.
  package mutating func add(_ text: String, isCredentials: Bool) {
    var current: String?
    var hasLongDefault = false
    for line in text.split(maxSplits: Self.linesMax, omittingEmptySubsequences: true, whereSeparator: \.isNewline)
      .prefix(Self.linesMax)
    {
      // What is indented belongs to a nested setting (`s3 =`).
      guard let first = line.first, first != " ", first != "\t" else { continue }
      if first == "#" || first == ";" { continue }
      if first == "[" {
        let title = String(line.dropFirst().prefix { $0 != "]" }).withoutOuterSpace
        current = Self.profile(title, isCredentials: isCredentials)
        // `[profile default]` wins over `[default]`.
        let isLong = title != "default" && current == "default"
        if isLong && !hasLongDefault && !isCredentials { profiles["default"] = nil }
        hasLongDefault = hasLongDefault || isLong
        if title == "default" && hasLongDefault { current = nil }
        if let current { profiles[current, default: [:]] = profiles[current] ?? [:] }
        continue
      }
      guard let current, let equals = line.firstIndex(of: "=") else { continue }
      let key = String(line[..<equals]).withoutOuterSpace.lowercased()
      profiles[current]?[key] = Self.value(line[line.index(after: equals)...])
    }
  }

  private static func profile(_ title: String, isCredentials: Bool) -> String? {
    if isCredentials || title == "default" { return title.isEmpty ? nil : title }
    let words = title.split(maxSplits: 1, whereSeparator: { $0 == " " || $0 == "\t" })
    guard words.count == 2, words[0] == "profile" else { return nil }
    return String(words[1]).withoutOuterSpace
  }

  /// Without what stands behind ` #` or ` ;`.
  private static func value(_ text: Substring) -> String {
    var end = text.endIndex
    for mark in [" #", " ;", "\t#", "\t;"] {
      var rest = text[..<end]
      while let place = rest.firstIndex(of: mark.first ?? " ") {
        if rest[place...].hasPrefix(mark) {
          end = place
          break
        }
        rest = rest[rest.index(after: place)...]
      }
    }
    return String(text[..<end]).withoutOuterSpace
  }
}

extension AWSProfiles {
  /// The files that the environment names; one that is not there says nothing, one that cannot be read is an error.
  init(_ surroundings: AWSSurroundings) throws(AWSError) {
    let home = surroundings.variable("HOME")
    let files = [
      (surroundings.variable("AWS_CONFIG_FILE") ?? home.map { "\($0)/.aws/config" }, false),
      (surroundings.variable("AWS_SHARED_CREDENTIALS_FILE") ?? home.map { "\($0)/.aws/credentials" }, true),
    ]
    for (path, isCredentials) in files {
      guard let path, (try? surroundings.disk.status(path)) != nil else { continue }
      add(try surroundings.file(path), isCredentials: isCredentials)
    }
  }
}
