import Format
import HTTP
import Platform

/// The facts of `/api/v1/status/runtimeinfo` that the system does not know.
package struct RuntimeFacts: Sendable {
  package var startMilliseconds: Int64
  /// When a configuration was last taken over, and whether the last try went well.
  package var configuration: @Sendable () -> (milliseconds: Int64, isGood: Bool)
  /// `15d`, `15d or 10GiB`.
  package var retention: @Sendable () -> String
  /// Places where the log was found damaged.
  package var corruptions: @Sendable () -> Int

  package init(
    startMilliseconds: Int64, configuration: @escaping @Sendable () -> (milliseconds: Int64, isGood: Bool),
    retention: @escaping @Sendable () -> String, corruptions: @escaping @Sendable () -> Int
  ) {
    self.startMilliseconds = startMilliseconds
    self.configuration = configuration
    self.retention = retention
    self.corruptions = corruptions
  }

  package static let none = RuntimeFacts(
    startMilliseconds: 0, configuration: { (0, true) }, retention: { "" }, corruptions: { 0 })

  /// Go's settings have no meaning here, but programs that read them expect them to be there.
  func write(now: Int64, _ json: inout JSONBuffer) {
    let configuration = configuration()
    json.raw("{\"startTime\":\"\(TimeText.text(milliseconds: startMilliseconds))\",\"CWD\":")
    json.pageString(HostFacts.workingDirectory)
    json.raw(",\"hostname\":")
    json.pageString(HostFacts.hostName)
    json.raw(",\"serverTime\":\"\(TimeText.text(milliseconds: now))\"")
    json.raw(",\"reloadConfigSuccess\":\(configuration.isGood)")
    json.raw(",\"lastConfigTime\":\"\(RuntimeFacts.secondsText(configuration.milliseconds))\"")
    json.raw(",\"corruptionCount\":\(corruptions()),\"goroutineCount\":\(HostFacts.threadCount)")
    json.raw(",\"GOMAXPROCS\":\(HostFacts.processorCount),\"GOMEMLIMIT\":\(Int64.max),\"GOGC\":\"\",\"GODEBUG\":\"\"")
    json.raw(",\"storageRetention\":")
    json.pageString(retention())
    json.raw("}")
  }

  /// Without the fraction, which is none for whole seconds.
  private static func secondsText(_ milliseconds: Int64) -> String {
    String(TimeText.text(milliseconds: milliseconds).dropLast(5)) + "Z"
  }
}
