import Platform

// What cannot be read is never taken for written.
extension Database {
  /// Brings unreadable chunks of the head back from the log. Chunks that the log does not hold any more are lost: it
  /// sets their file aside, and the rest of the series goes on without them. Throws if a later attempt may succeed:
  /// then it has given nothing up.
  func recover(_ unreadable: [UnreadableHeadChunk]) throws(BlockError) {
    var recovery = ChunkRecovery(head, unreadable)
    let outcome: ChunkRecovery.Outcome
    do throws(WALError) {
      outcome = try recovery.run(quarantine: layout.quarantine)
    } catch {
      switch error {
      case .disk(let error): throw .disk(error)
      case .closed: throw .stopped
      case .damaged(let path): throw .corrupt(path: path, reason: "records cannot be read")
      }
    }
    if outcome.recovered > 0 {
      log.warn(
        "Head chunks that could not be read were restored from the write-ahead log", ["chunks": "\(outcome.recovered)"])
    }
    if !outcome.lost.isEmpty { try giveUp(outcome.lost) }
    if outcome.postponed > 0 { throw .tooLarge("there is no memory to bring back \(outcome.postponed) head chunks") }
  }

  private func giveUp(_ lost: [UnreadableHeadChunk]) throws(BlockError) {
    var originals: [String] = []
    for file in Set(lost.map(\.chunk.file)).sorted() where file != SeriesChunk.inMemory {
      try head.files.confirmLoss(lost.first { $0.chunk.file == file }?.chunk)
      let path = head.files.chunks.directory.filePath(Int(file))
      let quarantine = Quarantine(disk, layout.quarantine, log: log)
      if let original = quarantine.keep(path, as: path.split(separator: "/").suffix(2).joined(separator: "-")) {
        originals.append(original)
      }
    }
    for one in lost { head.noteLost(one) }
    head.files.chunksLost.add(lost.count)
    log.error(
      "Head chunks cannot be read and the write-ahead log does not hold all of their samples: these are missing",
      [
        "chunks": "\(lost.count)", "series": "\(Set(lost.map(\.location.raw)).count)",
        "from": "\(lost.map(\.chunk.start).min() ?? 0)", "through": "\(lost.map(\.chunk.end).max() ?? 0)",
        "originals": originals.isEmpty ? "none" : originals.joined(separator: " "),
      ])
  }
}

extension HeadFiles {
  /// Throws if a chunk is not damaged, but the disk does not give it at present.
  fileprivate func confirmLoss(_ chunk: SeriesChunk?) throws(BlockError) {
    guard let chunk else { return }
    do throws(HeadChunksError) {
      _ = try chunks.read(reference(of: chunk))
    } catch {
      if case .disk(let error) = error { throw .disk(error) }
    }
  }
}

extension Head {
  /// Chunks that begin in these places of their files, as many as can be brought back at once.
  func chunks(in places: [Int: [Range<Int>]]) -> [UnreadableHeadChunk] {
    var found: [UnreadableHeadChunk] = []
    for (number, shard) in shards.enumerated() {
      forEachTurn(of: shard) { state, slot, record in
        if record.pointee.id == 0 || found.count >= ChunkRecovery.chunksMax { return }
        let (id, location) = (record.pointee.id, SeriesLocation(shard: number, slot: slot))
        state.forEachChunk(of: record) { chunk in
          guard !chunk.pointee.isInMemory, chunk.pointee.flags & SeriesChunk.isLost == 0,
            let damaged = places[Int(chunk.pointee.file)],
            damaged.contains(where: { $0.contains(Int(chunk.pointee.offset)) })
          else { return true }
          found.append(UnreadableHeadChunk(location: location, id: id, chunk: chunk.pointee))
          return true
        }
      }
    }
    return found
  }

  /// Marks the chunk as lost: nobody tries to read it any more, and it leaves the head with its time.
  fileprivate func noteLost(_ lost: UnreadableHeadChunk) {
    shards[lost.location.shard].state.withLock { state in
      let record = state.records.pointer(lost.location.slot)
      guard record.pointee.id == lost.id else { return }
      state.forEachChunk(of: record) { chunk in
        if chunk.pointee.file == lost.chunk.file && chunk.pointee.offset == lost.chunk.offset
          && chunk.pointee.start == lost.chunk.start
        {
          chunk.pointee.flags |= SeriesChunk.isLost
        }
        return true
      }
    }
  }
}
