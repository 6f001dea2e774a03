import Format
import Model
import Platform
import TSDB

// What `apus tsdb import` does.
extension TSDBCommand {
  func importBlocks(
    _ source: String, _ directory: String, _ output: CommandOutput
  ) throws(TSDBCommandError) -> Int32 {
    let lock = try TSDBCommand.take(directory)
    defer { withExtendedLifetime(lock) {} }
    let disk = LinuxDisk()
    try TSDBCommand.pinFlushMark(directory)
    var sources = [source]
    if (try? disk.status(source + "/meta.json")) == nil {
      sources = try TSDBCommandError.disk { () throws(DiskError) in try disk.list(source) }
        .filter { ULID($0) != nil }.map { DiskPath.join(source, $0) }
    }
    var code: Int32 = 0
    for folder in sources {
      do throws(BlockError) {
        let isNew = try BlockCopy.run(from: folder, into: directory, on: disk)
        output.line(DiskPath.name(folder) + (isNew ? " imported" : " is there already"))
      } catch {
        code = 1
        output.line(DiskPath.name(folder) + " NOT IMPORTED: \(error)")
      }
    }
    if sources.isEmpty { throw .text("\(source) holds no blocks") }
    return code
  }

  func importOpenMetrics(
    _ path: String, _ directory: String, _ output: CommandOutput
  ) throws(TSDBCommandError) -> Int32 {
    let lock = try TSDBCommand.take(directory)
    defer { withExtendedLifetime(lock) {} }
    let file = try TSDBCommandError.disk { () throws(DiskError) in try LinuxDisk().map(path) }
    try TSDBCommand.pinFlushMark(directory)
    var samples = SampleImport(into: directory, on: LinuxDisk(), clock: SystemClock())
    do throws(TSDBCommandError) {
      try TSDBCommand.add(LentBytes(file.bytes), to: &samples)
    } catch {
      // Blocks of a file that is wrong further down would be half an import.
      for block in samples.blocks {
        try TSDBCommandError.disk { () throws(DiskError) in
          try LinuxDisk().removeTree(DiskPath.join(directory, "\(block.ulid)"))
        }
      }
      throw .text("\(path): \(error)")
    }
    output.line("\(samples.sampleCount) samples of \(samples.seriesCount) series in \(samples.blocks.count) blocks")
    return 0
  }

  private static func add(
    _ text: LentBytes, to samples: inout SampleImport
  ) throws(TSDBCommandError) {
    var scanner = ExpositionScanner(text, .openMetrics)
    var labels = ExpositionLabels()
    while try next(&scanner, &labels) {
      if let name = labels.doubledName { throw .text("line \(scanner.line()): label name \"\(name)\" is not unique") }
      guard let time = scanner.time else { throw .text("line \(scanner.line()): a sample without a time") }
      do throws(BlockError) {
        try samples.add(labels.labels(), time: time, value: scanner.value)
      } catch {
        throw .text("line \(scanner.line()): \(error)")
      }
    }
    do throws(BlockError) { try samples.flush() } catch { throw .text("\(error)") }
  }

  private static func next(
    _ scanner: inout ExpositionScanner, _ labels: inout ExpositionLabels
  ) throws(TSDBCommandError) -> Bool {
    do throws(ExpositionError) { return try scanner.nextSample(&labels) } catch { throw .text("\(error)") }
  }

  /// Blocks that come from elsewhere say nothing of this directory's own head.
  static func pinFlushMark(_ directory: String) throws(TSDBCommandError) {
    try TSDBCommandError.disk { () throws(DiskError) in
      try FlushMark.pin(directory, on: LinuxDisk(), now: SystemClock().nowMilliseconds())
    }
  }

  /// No server may be at work where something is brought in.
  static func take(_ directory: String) throws(TSDBCommandError) -> DirectoryLock {
    try TSDBCommandError.disk { () throws(DiskError) in try LinuxDisk().makeDirectories(directory) }
    do throws(DirectoryLockError) {
      return try DirectoryLock(directory) { _ in }
    } catch {
      throw .text("\(error)")
    }
  }
}
