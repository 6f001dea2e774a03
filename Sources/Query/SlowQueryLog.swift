import Format
import Platform

/// The file to which queries that took long are written, a JSON object a line, up to a size (`RotatedFile`). Any thread.
package final class SlowQueryLog: Sendable {
  /// Bytes of the file before it is renamed.
  static let fileBytesMax = 64 << 20

  private let file: RotatedFile
  private let thresholdNanoseconds: Int64

  /// Opens the file, or makes it where it is missing.
  package init(_ path: String, thresholdMilliseconds: Int64, disk: any Disk, log: Log) throws(DiskError) {
    file = RotatedFile(path, named: "The log of slow queries", bytesMax: Self.fileBytesMax, on: disk, log: log)
    thresholdNanoseconds = thresholdMilliseconds * 1_000_000
    try file.open()
  }

  /// Writes the line of a query that has ended, where it took long.
  func note(_ start: QueryStart, _ work: any QueryWork, now: Int64) {
    let nanoseconds = now - start.startNanoseconds
    if nanoseconds < thresholdNanoseconds { return }
    var json = JSONBuffer()
    json.raw("{")
    start.write(&json)
    json.raw(",\"seconds\":\(Double(nanoseconds) / 1e9)")
    json.raw(",\"samples\":\(work.samplesRead)")
    json.raw(",\"bytes\":\(work.bytesWritten)")
    json.raw(",\"canceled\":\(work.isCanceled)}\n")
    file.append(json.bytes)
  }
}
