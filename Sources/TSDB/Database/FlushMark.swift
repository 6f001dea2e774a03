import Platform

/// The time up to which the head has been flushed to blocks, in `apus.flushed`: a start does not read back in-order
/// samples from before it. Two numbers in decimal (milliseconds) in a sealed file: the mark, and where the newest block
/// ended when it was written, which is left out if there was none. Older versions wrote the mark alone, without a seal.
/// A mark that is too high would hide data that is in no block. So it is believed only as long as that block, or one that
/// ends later, is there. One that is too low costs space: data is in the head and in a block.
package struct FlushMark: Equatable {
  var time: Int64
  /// Nil in a file of an older version.
  var newestBlockEnd: Int64?

  static func file(_ path: String, on disk: any Disk) -> SealedFile {
    SealedFile(path, name: "flushed", format: 2, on: disk) { FlushMark($0) == nil ? nil : $0 }
  }

  init(time: Int64, newestBlockEnd: Int64?) {
    self.time = time
    self.newestBlockEnd = newestBlockEnd
  }

  init?(_ body: [UInt8]) {
    if body.count > 64 { return nil }
    let numbers = String(decoding: body, as: UTF8.self).split(whereSeparator: \.isWhitespace).map { Int64($0) }
    guard (1...2).contains(numbers.count), let time = numbers[0] else { return nil }
    if numbers.count == 2 && numbers[1] == nil { return nil }
    self.init(time: time, newestBlockEnd: numbers.count == 2 ? numbers[1] : nil)
  }

  var body: [UInt8] { Array("\(time)\(newestBlockEnd.map { " \($0)" } ?? "")\n".utf8) }

  /// The reason why the mark cannot be right beside these blocks; nil if it can be. `expired`: the retention may have
  /// removed what ends before it.
  func objection(newestBlockEnd present: Int64?, expired: Int64) -> String? {
    let needed = newestBlockEnd ?? time
    if present ?? .min >= needed || needed <= expired { return nil }
    let newest = present.map { "the newest block ends at \($0)" } ?? "there is no block"
    return newestBlockEnd == nil
      ? "it says \(time), but \(newest)" : "it knows a block that ends at \(needed), but \(newest)"
  }

  static func write(_ mark: Int64, newestBlockEnd: Int64?, to path: String, on disk: any Disk) throws(DiskError) {
    try file(path, on: disk).write(FlushMark(time: mark, newestBlockEnd: newestBlockEnd).body)
  }
}

extension BlockSnapshot {
  /// The end of the newest block that was made of the head's in-order samples; nil if there is none.
  var newestEnd: Int64? { blocks.lazy.filter { !$0.meta.isLate }.map(\.meta.maxTime).max() }
}

extension Database {
  /// The mark in the file, if it can be right; else the one that the blocks imply, as in a directory of Prometheus,
  /// which has no mark.
  static func findFlushMark(
    _ options: DatabaseOptions, _ layout: DatabaseLayout, _ blocks: BlockSnapshot, _ disk: any Disk, now: Int64,
    _ damaged: DamagedFiles
  ) -> Int64 {
    let file = FlushMark.file(layout.flushMark, on: disk)
    let expired = options.retentionMilliseconds > 0 ? now - options.retentionMilliseconds : .min
    let reading = file.read { contents in
      guard let mark = FlushMark(contents.body) else { return "it holds no number" }
      return mark.objection(newestBlockEnd: blocks.newestEnd, expired: expired)
    }
    let mark = reading.contents.flatMap { FlushMark($0.body) }?.time ?? derivedMark(blocks, options, now: now)
    guard let damage = reading.damage else { return mark }
    let text = mark == .min ? "no mark: all of the head's files count" : "\(mark)"
    damaged.report(
      layout.flushMark, as: "apus.flushed", damage: damage,
      instead: reading.isPrevious ? "the generation before it, \(text)" : "what the blocks say, \(text)",
      meaning: "nothing is lost; what is in the head's files since then and also in a block is kept twice for a while")
    do throws(DiskError) {
      if mark != .min {
        // Not beside the damaged one: that is no generation to go back to.
        try file.write(FlushMark(time: mark, newestBlockEnd: blocks.newestEnd).body, keepsPresent: false)
      } else {
        for generation in [layout.flushMark + SealedFile.previousSuffix, layout.flushMark] {
          if try disk.list(layout.root).contains(DiskPath.name(generation)) { try disk.removeFile(generation) }
        }
      }
    } catch {
      // It is found damaged again, with the same outcome.
      damaged.log.warn("The flush mark could not be written anew", ["err": "\(error)"])
    }
    return mark
  }

  /// The end of the newest block that a flush of the head can have made: one that reaches nearer to the present came from
  /// elsewhere, and says nothing of the head.
  static func derivedMark(_ blocks: BlockSnapshot, _ options: DatabaseOptions, now: Int64) -> Int64 {
    let range = HeadShard.chunkRangeMilliseconds
    let newest = now + options.head.futureToleranceMilliseconds
    let latest = HeadShard.rangeEnd(of: newest - range / 2) - range
    return blocks.blocks.lazy.filter { !$0.meta.isLate && $0.meta.maxTime <= latest }.map(\.meta.maxTime).max() ?? .min
  }
}
