import Format
import Model
import Platform
import TSDB

// What `apus tsdb restore` does.
extension TSDBCommand {
  func restore(
    _ source: String, _ directory: String, _ options: SnapshotRestore.Options, _ output: CommandOutput
  ) throws(TSDBCommandError) -> Int32 {
    let disk = LinuxDisk()
    // Looked at first, so that a slip of the pen makes no directory.
    _ = try TSDBCommandError.backup { () throws(BackupError) in try BlockSource(source, on: disk) }
    let lock = try TSDBCommand.take(directory)
    defer { withExtendedLifetime(lock) {} }
    let report = try TSDBCommandError.backup { () throws(BackupError) in
      try SnapshotRestore(from: source, into: directory, options, on: disk, clock: SystemClock()) { line in
        output.line(line)
        output.flush()
      }.run()
    }
    for (old, new) in report.renamed {
      output.line("\(old) came as \(new): \(directory) has that block, or one made of it, with other deletions")
    }
    if report.present > 0 { output.line("\(TSDBText.count(report.present, "block")) of it were there already") }
    output.line("restored: \(TSDBText.contents(report.blocks, seriesCount: report.seriesCount))")
    output.line(TSDBText.notInSnapshots)
    output.flush()
    for block in report.damaged {
      writeToStandardError(
        "apus tsdb restore: restored although damaged: \(block.findings.first ?? block.folder) "
          + "(\(TSDBText.count(block.findingCount, "finding")))")
    }
    for block in report.leftOut {
      writeToStandardError("apus tsdb restore: NOT restored: \(block.findings.first ?? block.folder)")
    }
    return report.damaged.isEmpty && report.leftOut.isEmpty ? 0 : SnapshotRun.attentionCode
  }
}
