import Notify
import Outbound
import Platform

extension AlertmanagerBinding {
  /// An entry of `apus.managed_alertmanagers`.
  static let section = Section(
    "managed alertmanager", AlertmanagerBinding(),
    [
      .text("workspace", \.workspace, help: "The id of the workspace."),
      .custom(SchemaKey("url", .url, isRequired: true, help: "Its address, with its path prefix.")) {
        section, binding in
        var url = section.text("url") ?? ""
        while url.hasSuffix("/") { url.removeLast() }
        binding.url = url
      },
      .text(
        "config_file", \.configFile, isShown: false,
        help:
          "The file that it reads its configuration from. The definition is written there, then it is told to reload."),
      .duration("timeout", \.timeoutMilliseconds, help: "The time that one request may take."),
    ] + ClientSettings.settings(at: \.client), rules: ClientSettings.rules)

  @Sendable static func areApart(_ section: SectionValue) -> RuleViolation? {
    let names = section.sections("managed_alertmanagers").map {
      $0.text("workspace") ?? AlertmanagerBinding().workspace
    }
    if let name = SchemaRules.firstTwice(names) {
      return RuleViolation("the workspace \(name) has two Alertmanagers", at: "managed_alertmanagers")
    }
    // Each would write its definition over that of the other.
    let files = section.sections("managed_alertmanagers").compactMap { $0.text("config_file") }.filter { !$0.isEmpty }
    return SchemaRules.firstTwice(files.map(PathPattern.clean)).map {
      RuleViolation("two Alertmanagers have the config_file \($0)", at: "managed_alertmanagers")
    }
  }

  mutating func setDirectory(_ directory: String) {
    if configFile.isEmpty || configFile.hasPrefix("/") || directory.isEmpty { return }
    configFile = directory.hasSuffix("/") ? directory + configFile : "\(directory)/\(configFile)"
  }
}
