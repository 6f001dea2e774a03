import Format
import Platform
import Synchronization

/// The file to which queries that took long are written, a JSON object a line. Any thread; one line is one write.
///
/// At its limit the file is renamed to `name.1`, which replaces the one before. A line that cannot be written is told in
/// the server's own log, once for each change from good to bad.
package final class SlowQueryLog: Sendable {
  /// Bytes of the file before it is renamed.
  static let fileBytesMax = 64 << 20

  private struct State {
    var file: AppendFile?
    var isFailing = false
  }

  private let path: String
  private let thresholdNanoseconds: Int64
  private let disk: any Disk
  private let log: Log
  private let state: Mutex<State>

  /// Opens the file, or makes it where it is missing.
  package init(_ path: String, thresholdMilliseconds: Int64, disk: any Disk, log: Log) throws(DiskError) {
    self.path = path
    self.disk = disk
    self.log = log
    thresholdNanoseconds = thresholdMilliseconds * 1_000_000
    state = Mutex(State(file: try SlowQueryLog.open(path, disk)))
  }

  private static func open(_ path: String, _ disk: any Disk) throws(DiskError) -> sending AppendFile {
    try AppendFile(path, on: disk)
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
    append(json.bytes)
  }

  private func append(_ line: [UInt8]) {
    state.withLock { state in
      do throws(DiskError) {
        if let file = state.file, file.size + line.count > SlowQueryLog.fileBytesMax {
          state.file = nil
          try file.close()
          try disk.rename(path, to: path + ".1")
        }
        if state.file == nil { state.file = try SlowQueryLog.open(path, disk) }
        try state.file?.append(line)
        state.isFailing = false
      } catch {
        if !state.isFailing { log.error("The log of slow queries cannot be written", ["err": "\(error)"]) }
        state.isFailing = true
      }
    }
  }
}
