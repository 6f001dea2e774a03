import Format
import Model
import Platform
import PromQL
import Synchronization

/// The file to which every query is written that clients and rules ask, a JSON object a line, as Prometheus does
/// (`global.query_log_file`). Any thread; one line is one write.
///
/// The file grows until somebody moves it away and has the configuration read again, which opens it anew. A file that was
/// cut is gone on with at its end. A line that cannot be written is told in the server's own log, once for each change from
/// good to bad.
package final class QueryLog: Sendable {
  private struct State {
    var path = ""
    var file: AppendFile?
    var isFailing = false
  }

  private let disk: any Disk
  private let clock: any Clock
  private let log: Log
  private let isOpen = Atomic<Bool>(false)
  private let state = Mutex(State())

  /// A log that is off until it is opened.
  package init(on disk: any Disk, clock: any Clock, log: Log) {
    self.disk = disk
    self.clock = clock
    self.log = log
  }

  /// True if queries are written down.
  package var isOn: Bool { isOpen.load(ordering: .relaxed) }

  /// Closes the file and opens the one of this path, or makes it where it is missing; an empty path ends the log. On an
  /// error the log goes on as it was.
  package func reopen(_ path: String) throws(DiskError) {
    try state.withLock { (state) throws(DiskError) in
      let file = path.isEmpty ? nil : try QueryLog.open(path, disk)
      // What was written is with the system already.
      try? state.file?.close()
      state = State(path: path, file: file)
    }
    isOpen.store(!path.isEmpty, ordering: .relaxed)
  }

  private static func open(_ path: String, _ disk: any Disk) throws(DiskError) -> sending AppendFile {
    try AppendFile(path, on: disk)
  }

  /// Notes the beginning of a query; nil where it is not written down.
  func begin(_ expression: String, start: Int64, end: Int64, step: Int64, _ terms: QueryTerms) -> LoggedQuery? {
    guard isOn, let origin = terms.origin else { return nil }
    return LoggedQuery(
      log: self, expression: expression, start: start, end: end, step: step, origin: origin,
      queuedSeconds: terms.queuedSeconds, begin: clock.monotonicNanoseconds())
  }

  /// A query that runs. A value.
  struct LoggedQuery {
    let log: QueryLog
    let expression: String
    /// Milliseconds.
    let start: Int64
    let end: Int64
    let step: Int64
    let origin: QueryOrigin
    let queuedSeconds: Double
    /// On the monotonic clock.
    let begin: Int64

    /// Writes the line of a query that was answered.
    func end(_ statistics: QueryStatistics) { log.write(self, statistics, error: nil) }

    /// Writes the line of a query that failed. One that could not be read was none, as with Prometheus.
    func end(_ error: QueryError) {
      if case .invalid = error { return }
      var statistics = QueryStatistics()
      statistics.queuedSeconds = queuedSeconds
      statistics.evaluationSeconds = Double(max(0, log.clock.monotonicNanoseconds() - begin)) / 1e9
      log.write(self, statistics, error: error.description)
    }
  }

  private func write(_ query: LoggedQuery, _ statistics: QueryStatistics, error: String?) {
    var json = JSONBuffer()
    json.raw("{\"time\":\"\(TimeText.text(milliseconds: clock.nowMilliseconds()))\",\"level\":\"INFO\",")
    json.raw(
      "\"msg\":\"promql query logged\",\"params\":{\"end\":\"\(TimeText.text(milliseconds: query.end))\",\"query\":")
    json.string(query.expression)
    json.raw(",\"start\":\"\(TimeText.text(milliseconds: query.start))\",\"step\":\(query.step / 1000)}")
    if let error {
      json.raw(",\"error\":")
      json.string(error)
    }
    StatisticsJSON(statistics: statistics).write(to: &json)
    query.origin.write(&json)
    json.raw("}\n")
    append(json.bytes)
  }

  private func append(_ line: [UInt8]) {
    state.withLock { state in
      if state.path.isEmpty { return }
      do throws(DiskError) {
        if let file = state.file, try file.file.size() < file.size {
          state.file = nil
          try file.close()
        }
        if state.file == nil { state.file = try QueryLog.open(state.path, disk) }
        try state.file?.append(line)
        state.isFailing = false
      } catch {
        if !state.isFailing {
          log.error("The query log cannot be written", ["file": state.path, "err": "\(error)"])
        }
        state.isFailing = true
      }
    }
  }
}

extension QueryOrigin {
  /// Writes the member of a line that says who asked.
  fileprivate func write(_ json: inout JSONBuffer) {
    switch self {
    case .request(let client, let method, let path):
      json.raw(",\"httpRequest\":{\"clientIP\":")
      json.string(client)
      json.raw(",\"method\":")
      json.string(method)
      json.raw(",\"path\":")
      json.string(path)
    case .ruleGroup(let file, let name):
      json.raw(",\"ruleGroup\":{\"file\":")
      json.string(file)
      json.raw(",\"name\":")
      json.string(name)
    }
    json.raw("}")
  }
}
