import Format
import HTTP
import Platform
import Workspaces

/// The facts of `/api/v1/status/runtimeinfo` that the system does not know.
package struct RuntimeFacts: Sendable {
  package var startMilliseconds: Int64
  /// The time a configuration was last taken over, and whether the last try went well.
  package var configuration: @Sendable () -> (milliseconds: Int64, isGood: Bool)

  package init(
    startMilliseconds: Int64, configuration: @escaping @Sendable () -> (milliseconds: Int64, isGood: Bool)
  ) {
    self.startMilliseconds = startMilliseconds
    self.configuration = configuration
  }

  package static let none = RuntimeFacts(startMilliseconds: 0, configuration: { (0, true) })

  /// Go's settings have no meaning here, but programs that read them expect them to be there.
  func write(now: Int64, of workspace: Workspace, _ json: inout JSONBuffer) {
    let configuration = configuration()
    json.raw("{\"startTime\":\"\(TimeText.text(milliseconds: startMilliseconds))\",\"CWD\":")
    json.pageString(HostFacts.workingDirectory)
    json.raw(",\"hostname\":")
    json.pageString(HostFacts.hostName)
    json.raw(",\"serverTime\":\"\(TimeText.text(milliseconds: now))\"")
    json.raw(",\"reloadConfigSuccess\":\(configuration.isGood)")
    json.raw(",\"lastConfigTime\":\"\(RuntimeFacts.secondsText(configuration.milliseconds))\"")
    json.raw(",\"corruptionCount\":\(workspace.database.corruptions),\"goroutineCount\":\(HostFacts.threadCount)")
    json.raw(",\"GOMAXPROCS\":\(HostFacts.processorCount),\"GOMEMLIMIT\":\(Int64.max),\"GOGC\":\"\",\"GODEBUG\":\"\"")
    json.raw(",\"storageRetention\":")
    json.pageString(workspace.present.database.retentionText)
    json.raw("}")
  }

  /// The time without its fraction, which whole seconds do not have.
  private static func secondsText(_ milliseconds: Int64) -> String {
    String(TimeText.text(milliseconds: milliseconds).dropLast(5)) + "Z"
  }
}
