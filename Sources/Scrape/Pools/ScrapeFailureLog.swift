import Platform

/// A file that names the scrapes which got no answer, one JSON object a line, as Prometheus writes it. Any thread; one
/// write at a time.
final class ScrapeFailureLog: Sendable {
  let path: String
  private let file: Monitor<any DiskFile>
  private let clock: any Clock
  private let log: Log

  init(_ path: String, on disk: any Disk, clock: any Clock, log: Log) throws(DiskError) {
    self.path = path
    self.clock = clock
    self.log = log
    file = Monitor(try disk.open(path, .readWrite))
  }

  func write(_ error: String, job: String, target: String) {
    let line = LogLine.text(
      .json, milliseconds: clock.nowMilliseconds(), level: .error, message: error,
      fields: ["job_name": job, "target": target])
    let failure: DiskError? = file.withLock { file in
      do throws(DiskError) {
        // Whoever rotates the file may have cut it.
        try AppendFile(file).append(Array((line + "\n").utf8))
        return nil
      } catch {
        return error
      }
    }
    if let failure {
      log.warn("A failed scrape could not be written to the failure log", ["file": path, "err": "\(failure)"])
    }
  }
}
