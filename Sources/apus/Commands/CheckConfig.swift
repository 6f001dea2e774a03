/// `apus check config FILE`: a summary, or every error.
enum CheckConfig {
  static func run(file: String, environment: [String: String]) -> CommandResult {
    do throws(ConfigurationErrors) {
      let configuration = try ConfigurationFile.load(path: file, environment: environment)
      return CommandResult(output: summary(configuration, file: file), exitCode: 0)
    } catch {
      return CommandResult(errors: error.description, exitCode: 2)
    }
  }

  private static func summary(_ configuration: Configuration, file: String) -> String {
    var lines = ["\(file) is valid"]
    for key in Schema.root.keys where configuration.document.isGiven(key.name) {
      guard case .list(let values)? = configuration.document.values[key.name] else { continue }
      lines.append("  \(key.name): \(values.count)")
    }
    let workspaces = configuration.workspaces.count - 1
    if workspaces > 0 { lines.append("  apus.workspaces: \(workspaces)") }
    return (lines + configuration.warnings.map { "  warning: \($0)" }).joined(separator: "\n")
  }
}
