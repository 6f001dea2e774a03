import Format
import HTTP
import Model
import Platform
import TSDB

/// One run of `apus tsdb snapshot`: asks the server, proves the snapshot, copies it, and only then removes. Prints what
/// each step has found. One thread.
struct SnapshotRun {
  /// The exit code where there is a snapshot, but something is not as it should be.
  static let attentionCode: Int32 = 3

  private let options: SnapshotOptions
  private let output: CommandOutput
  private let disk = LinuxDisk()
  private var needsAttention = false

  init(_ options: SnapshotOptions, _ output: CommandOutput) {
    self.options = options
    self.output = output
  }

  consuming func run() throws(TSDBCommandError) -> Int32 {
    guard let directory = options.into else { return try take(nil) }
    // Before the server is asked: whoever cannot keep a snapshot should not have one made.
    let lock = try TSDBCommand.take(directory)
    defer { withExtendedLifetime(lock) {} }
    let shelf = SnapshotShelf(directory, on: disk)
    try TSDBCommandError.disk { () throws(DiskError) in try shelf.removeUnfinished() }
    return try take(shelf)
  }

  private consuming func take(_ shelf: SnapshotShelf?) throws(TSDBCommandError) -> Int32 {
    let path = "/api/v1/admin/tsdb/snapshot" + (options.skipsHead ? "?skip_head=true" : "")
    let server = options.server.shownURL
    let answer = try SnapshotAnswer(try options.server.send("POST", path), from: server)
    output.line("snapshot \(answer.name)")
    if let path = answer.path { output.line("path on the server's machine: \(path)") }
    if let blocks = answer.blocks {
      output.line(
        "the server says: \(TSDBText.count(blocks.count, "block")), "
          + TSDBText.count(Int(blocks.reduce(0) { $0 + $1.samples }), "stored sample")
          + ", \(TSDBText.bytes(Int(blocks.reduce(0) { $0 + $1.bytes })))")
    }
    for warning in answer.warnings { attend("the server warns: \(warning)") }
    if !options.verifies {
      output.line("not verified, as told")
      return code
    }
    guard let place = place(of: answer) else {
      let why =
        "the snapshot is not proven: \(options.data == nil ? "the server's directory is not on this machine" : "it is not there") "
        + "(--data names its data directory as this machine has it; or run apus tsdb verify where it is)"
      if options.into != nil || options.keep != nil { throw .text(why + "; nothing was copied or removed") }
      attend(why)
      return code
    }
    do throws(TSDBCommandError) {
      let check = try prove(answer, place)
      output.flush()
      try finish(answer, place, check, shelf)
    } catch {
      // Night after night, what could not be copied would fill the server's disk.
      if shelf == nil || options.leavesOriginal { throw error }
      let original = SnapshotShelf(DiskPath.parent(place), on: disk)
      remove("the snapshot \(place)") { () throws(DiskError) in
        try original.remove(answer.name)
        return ["taken away from the server's directory: \(place)"]
      }
      throw error
    }
    output.line(TSDBText.notInSnapshots)
    return code
  }

  private var code: Int32 { needsAttention ? SnapshotRun.attentionCode : 0 }

  private mutating func attend(_ text: String) {
    needsAttention = true
    output.flush()
    writeToStandardError("apus tsdb snapshot: \(text)")
  }

  /// The path of the snapshot on this machine; nil where it is not there. The name ends in a random number, so that no
  /// other snapshot is mistaken for it.
  private func place(of answer: SnapshotAnswer) -> String? {
    let path = options.data.map { DiskPath.join(DiskPath.join($0, "snapshots"), answer.name) } ?? answer.path
    guard let path, DiskPath.name(path) == answer.name, (try? disk.status(path).kind) == .directory else { return nil }
    return path
  }

  /// Reads the whole snapshot and compares it with what the server said of it; throws where they differ.
  private mutating func prove(_ answer: SnapshotAnswer, _ place: String) throws(TSDBCommandError) -> SnapshotCheck {
    let check = try TSDBCommandError.backup { () throws(BackupError) in
      try SnapshotCheck(try BlockSource(place, on: disk), on: disk)
    }
    let found = (check.blocks + check.damaged.compactMap(\.held)).map(SnapshotAnswer.Block.init)
    if let said = answer.blocks, check.damaged.allSatisfy({ $0.held != nil }),
      said.sorted(by: { $0.ulid < $1.ulid }) != found.sorted(by: { $0.ulid < $1.ulid })
    {
      throw .text("\(place) does not hold what the server says it does: the snapshot is not proven, nothing was copied")
    }
    for block in check.damaged {
      attend("\(block.findings.first ?? block.folder) (\(TSDBText.count(block.findingCount, "finding")))")
    }
    if !check.damaged.isEmpty && !options.takesDamaged {
      throw .text("\(place) is damaged and not proven; nothing was copied or removed (--anyway copies it as it is)")
    }
    if check.damaged.isEmpty {
      let comparison = answer.blocks == nil ? " (the server gave no counts to compare with)" : ", as the server says"
      output.line("verified: \(TSDBText.contents(check.blocks, seriesCount: check.seriesCount))\(comparison)")
    }
    return check
  }

  /// Copies the snapshot, takes the original away, and removes older snapshots beyond the number to keep.
  private mutating func finish(
    _ answer: SnapshotAnswer, _ place: String, _ check: SnapshotCheck, _ shelf: SnapshotShelf?
  ) throws(TSDBCommandError) {
    if let shelf {
      try TSDBCommandError.backup { () throws(BackupError) in try shelf.add(check, as: answer.name) }
      output.line("copied to \(shelf.path(answer.name)), durable and verified there")
      if !options.leavesOriginal {
        let original = SnapshotShelf(DiskPath.parent(place), on: disk)
        remove("the copied snapshot \(place)") { () throws(DiskError) in
          try original.remove(answer.name)
          return ["taken away from the server's directory: \(place)"]
        }
      }
    }
    guard let keep = options.keep else { return }
    if needsAttention && (!answer.warnings.isEmpty || !check.damaged.isEmpty) {
      attend("no older snapshot was removed: this one is not what it should be")
      return
    }
    let kept = shelf ?? SnapshotShelf(DiskPath.parent(place), on: disk)
    remove("older snapshots of \(kept.directory)") { () throws(DiskError) in
      try kept.keep(keep, proven: answer.name).map { "removed \(kept.path($0)) (the newest \(keep) stay)" }
    }
  }

  /// Removes what `what` names. A failure is no error, since there is a backup already, but needs attention: what stays
  /// fills a disk some day.
  private mutating func remove(_ what: String, _ body: () throws(DiskError) -> [String]) {
    do throws(DiskError) {
      for line in try body() { output.line(line) }
    } catch {
      attend("\(what) could not be removed: \(error)")
    }
  }
}
