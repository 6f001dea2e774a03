import Format
import Platform
import Synchronization
import TSDB

/// The logs that a workspace keeps. A value.
package struct WorkspaceLogging: Sendable, Equatable {
  /// True if what the log says of its rules is written to a file of its own, too.
  package var areRulesLogged = false
  /// Queries that went through so many samples are written down; nil: none.
  package var querySamplesMin: Int64?

  package init() {}
}

/// The logs of one workspace, in files beside its data: what is said of its rules, and queries that went through many
/// samples. JSON objects, a line each. Any thread.
final class WorkspaceLogs: Sendable {
  /// Bytes of a file before it is renamed; there are two of each at the most.
  static let fileBytesMax = 32 << 20

  private let rules: RotatedFile
  private let queries: RotatedFile
  private let present = Mutex(WorkspaceLogging())

  init(_ layout: DatabaseLayout, on disk: any Disk, log: Log) {
    rules = RotatedFile(
      layout.logs + "/rules.jsonl", named: "The log of a workspace's rules", bytesMax: Self.fileBytesMax, on: disk,
      log: log)
    queries = RotatedFile(
      layout.logs + "/queries.jsonl", named: "The log of a workspace's queries", bytesMax: Self.fileBytesMax, on: disk,
      log: log)
  }

  func reconfigure(_ logging: WorkspaceLogging, _ tally: QueryTally, _ clock: any Clock) {
    present.withLock { $0 = logging }
    guard let least = logging.querySamplesMin else { return tally.watch(nil) }
    tally.watch { [queries] query in
      // Nobody knows the samples of a query that failed.
      if query.error.isEmpty && Int64(query.samples) < least { return }
      queries.append(Self.line(query, clock.nowMilliseconds()))
    }
  }

  /// Takes a line about rules, as JSON.
  func noteRules(_ line: String) {
    if present.withLock({ $0.areRulesLogged }) { rules.append(Array((line + "\n").utf8)) }
  }

  private static func line(_ query: EndedQuery, _ now: Int64) -> [UInt8] {
    var json = JSONBuffer()
    json.raw("{\"time\":\"\(TimeText.text(milliseconds: now))\",\"query\":")
    json.string(query.expression)
    json.raw(",\"start\":\"\(TimeText.text(milliseconds: query.start))\"")
    json.raw(",\"end\":\"\(TimeText.text(milliseconds: query.end))\",\"step\":\(Double(query.step) / 1000)")
    json.raw(",\"asker\":\"\(query.asker.rawValue)\",\"samples\":\(query.samples)")
    if query.error.isEmpty {
      json.raw(",\"seconds\":\(query.seconds)}\n")
    } else {
      json.raw(",\"error\":")
      json.string(query.error)
      json.raw("}\n")
    }
    return json.bytes
  }
}
