import Glibc
import Platform
import Workspaces

/// Reads the configuration: from a file or, where no flag names one and the usual one is missing, from the built-in
/// default.
enum ConfigurationFile {
  /// A longer file is refused: a configuration is text that somebody wrote.
  static let bytesMax = 32 << 20
  /// The time that a pipe in place of a file may take: a reload does not wait for ever.
  static let millisecondsMax: Int64 = 10_000

  /// The name that errors and logs give the built-in default.
  static let defaultName = "built-in default"

  /// The configuration of `apus serve`, with the rule files that it names.
  static func load(
    _ options: ServeOptions, environment: [String: String]
  ) throws(ConfigurationErrors) -> Configuration {
    var configuration = try main(options, environment)
    configuration.takeOver(options)
    try configuration.loadRules(on: LinuxDisk())
    configuration.spreadRules()
    return configuration
  }

  private static func main(
    _ options: ServeOptions, _ environment: [String: String]
  ) throws(ConfigurationErrors) -> Configuration {
    if !options.isConfigFileGiven && access(options.configFile, F_OK) != 0 && errno == ENOENT {
      return try Configuration.read(
        Array(defaultText.utf8), file: defaultName, environment: environment, flags: WorkspaceSettings(options))
    }
    return try load(path: options.configFile, environment: environment, flags: WorkspaceSettings(options))
  }

  /// The file alone: rule files that it names are not read.
  static func load(
    path: String, environment: [String: String], flags: WorkspaceSettings = WorkspaceSettings()
  ) throws(ConfigurationErrors) -> Configuration {
    try Configuration.read(try bytes(path), file: path, environment: environment, flags: flags)
  }

  static func bytes(_ path: String) throws(ConfigurationErrors) -> [UInt8] {
    do throws(InputFileError) {
      return try InputFile.bytes(path, bytesMax: bytesMax, within: millisecondsMax)
    } catch {
      throw ConfigurationErrors(file: path, reason: "\(error)")
    }
  }
}
