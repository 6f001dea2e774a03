import Foundation
import PackagePlugin

/// Writes down before each build from which commit it is made, so that `apus version` knows it however it was built.
@main
struct RevisionPlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) async throws -> [Command] {
    let root = context.package.directoryURL
    let output = context.pluginWorkDirectoryURL.appending(path: "revision")
    return [
      .prebuildCommand(
        displayName: "Noting the revision", executable: URL(filePath: "/bin/sh"),
        arguments: [root.appending(path: "scripts/revision").path, root.path, output.path],
        outputFilesDirectory: output)
    ]
  }
}
