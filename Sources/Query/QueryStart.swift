import Format
import Platform

/// A query as its asker put it, noted when it begins to run. A value.
package struct QueryStart: Sendable {
  /// Bytes of a query's text that are kept.
  package static let textBytesMax = 16 << 10

  package let workspace: String
  /// The endpoint that was asked.
  package let path: String
  /// At most `textBytesMax` of its text.
  package let query: String
  /// The parameters that are times, as sent; empty where none was.
  package let times: [(name: String, value: String)]
  /// The address of the asker.
  package let client: String
  package let startMilliseconds: Int64
  package let startNanoseconds: Int64
  /// Nanoseconds for which the query has waited for its thread.
  package let queueNanoseconds: Int64

  package init(
    workspace: String, path: String, query: String, times: [(name: String, value: String)], client: String,
    startMilliseconds: Int64, startNanoseconds: Int64, queueNanoseconds: Int64
  ) {
    self.workspace = workspace
    self.path = path
    self.query = String(decoding: query.utf8.prefix(QueryStart.textBytesMax), as: UTF8.self)
    self.times = times
    self.client = client
    self.startMilliseconds = startMilliseconds
    self.startNanoseconds = startNanoseconds
    self.queueNanoseconds = queueNanoseconds
  }

  package func seconds(until now: Int64) -> Double { Double(max(0, now - startNanoseconds)) / 1e9 }

  /// Writes the members of a JSON object, without its braces.
  package func write(_ json: inout JSONBuffer) {
    json.raw("\"workspace\":")
    json.pageString(workspace)
    json.raw(",\"path\":")
    json.pageString(path)
    json.raw(",\"query\":")
    json.pageString(query)
    for (name, value) in times {
      json.raw(",\"\(name)\":")
      json.pageString(value)
    }
    json.raw(",\"client\":")
    json.pageString(client)
    json.raw(",\"startTime\":\"\(TimeText.text(milliseconds: startMilliseconds))\"")
    json.raw(",\"queueSeconds\":\(Double(queueNanoseconds) / 1e9)")
  }
}
