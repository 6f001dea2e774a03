import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit

// What goes wrong in a world, and how it ends.
extension World {
  func endTroubles() {
    if trouble.diskFullUntil >= 0 && trouble.diskFullUntil < elapsed {
      trouble.diskFullUntil = -1
      disk.setFreeBytes(1 << 40)
      note("the disk has room again")
    }
    if trouble.errorsUntil >= 0 && trouble.errorsUntil < elapsed {
      trouble.errorsUntil = -1
      disk.removeFaults()
      note("the disk has no errors any more")
    }
    if trouble.clockStep != 0 && trouble.clockStepUntil < elapsed {
      clock.stepWall(milliseconds: -trouble.clockStep)
      note("the clock is right again")
      trouble.clockStep = 0
    }
  }

  /// One of the things that happen, each now and then.
  func maybeHappen() throws {
    guard numbers.below(40) == 0 else { return }
    switch numbers.below(16) {
    case 0: killSoon()
    case 1: kill()
    case 2: losePower()
    case 3: closeCleanly()
    case 4: fillDisk()
    case 5: failForAWhile()
    case 6: failOnce()
    case 7, 8: toggleSender()
    case 9: lie()
    case 10: stepClock()
    case 11: deleteSeries()
    case 12: try takeSnapshot()
    case 13: damageFile()
    default: break
    }
  }

  /// The disk stops at one of its next operations, also in the middle of a flush or a start.
  private func killSoon() {
    let number = disk.operationCount + 1 + numbers.below(400)
    disk.stop(afterOperation: number)
    note("the process will die at disk operation \(number)")
  }

  private func kill() {
    guard server != nil else { return }
    note("killed")
    disk.crash(.processOnly)
    server = nil
    count { $0.kills += 1 }
  }

  /// Called when an ordered stop has come.
  func crash() {
    server = nil
    if numbers.below(3) == 0 {
      powerLoss()
    } else {
      note("died")
      disk.crash(.processOnly)
      count { $0.kills += 1 }
    }
  }

  private func losePower() {
    guard server != nil else { return }
    server = nil
    powerLoss()
  }

  private func powerLoss() {
    let kind = disk.crash(seed: numbers.next())
    note("power lost: \(kind)")
    // Where not each write is synced, the youngest may be gone.
    if !isEverythingSynced {
      model.doubtYoung()
      for place in pairModels.indices {
        pairModels[place].samples.doubtYoung()
        pairModels[place].gapsJudgedFrom = trueTime
      }
    }
    makeDurable()
    count { $0.powerLosses += 1 }
  }

  private func closeCleanly() {
    guard let open = server else { return }
    note("closed")
    open.close()
    server = nil
    if disk.isStopped { crash() }
  }

  private func fillDisk() {
    guard !absent.contains(.fullDisks), trouble.diskFullUntil < 0 else { return }
    let bytes = numbers.below(20_000)
    disk.setFreeBytes(bytes)
    trouble.diskFullUntil = elapsed + Int64(1 + numbers.below(40)) * World.stepMilliseconds
    note("the disk has \(bytes) bytes left")
    count { $0.fullDisks += 1 }
  }

  /// Every so many-th operation fails for some minutes.
  private func failForAWhile() {
    guard !absent.contains(.errors), trouble.errorsUntil < 0 else { return }
    let every = 2 + numbers.below(30)
    let code: Int32 = numbers.below(2) == 0 ? 5 : 28
    let phase = numbers.below(every)
    let count = CountedCalls()
    disk.inject(
      SimulatedFault(code: code, writtenBytes: numbers.below(200)) { operation, _ in
        operation.isCounted && count.next() % every == phase
      })
    trouble.errorsUntil = elapsed + Int64(1 + numbers.below(20)) * World.stepMilliseconds
    note("every \(every)th operation of the disk fails with \(code)")
    self.count { $0.faults += 1 }
  }

  private func failOnce() {
    guard !absent.contains(.errors) else { return }
    let number = disk.operationCount + 1 + numbers.below(200)
    let code: Int32 = numbers.below(2) == 0 ? 5 : 28
    disk.inject(SimulatedFault(code: code, operation: number, writtenBytes: numbers.below(300)))
    note("disk operation \(number) will fail with \(code)")
    count { $0.faults += 1 }
  }

  private func toggleSender() {
    let place = numbers.below(senders.count)
    senders[place].isOnline.toggle()
    note(
      "sender \(senders[place].name) is \(senders[place].isOnline ? "back, \(senders[place].queue.count) bodies wait" : "away")"
    )
  }

  /// A sender whose clock goes wrong, or is mended.
  private func lie() {
    let place = numbers.below(senders.count)
    let error = senders[place].clockError == 0 ? Int64(numbers.below(1_200_000)) - 600_000 : 0
    senders[place].clockError = error
    note("sender \(senders[place].name)'s clock is off by \(error) ms")
  }

  private func stepClock() {
    guard !absent.contains(.clockSteps), trouble.clockStep == 0 else { return }
    let step = (Int64(numbers.below(48)) - 24) * 3_600_000
    clock.stepWall(milliseconds: step)
    trouble.clockStep = step
    trouble.clockStepUntil = elapsed + Int64(1 + numbers.below(8)) * World.stepMilliseconds
    note("the server's clock steps by \(step / 3_600_000) h")
  }

  private func deleteSeries() {
    guard let server, trouble.clockStep == 0, trouble.errorsUntil < 0, trouble.diskFullUntil < 0 else { return }
    let place = numbers.below(senders.count)
    let labels = senders[place].labels(0)
    let through = trueTime - 600_000
    // What still waits in a queue for that time would come back by right.
    guard senders[place].queue.count < 8 && senders[place].clockError == 0 else { return }
    do {
      try server.database.administration.delete(
        [
          try CompiledMatcher(Matcher(.equal, "i", "0")),
          try CompiledMatcher(Matcher(.equal, "sender", senders[place].name)),
        ],
        in: Int64.min...through)
      model.delete(labels, through: through)
      note("\(labels) deleted")
      count { $0.deletions += 1 }
    } catch {
      // It may have been done for a part of the files.
      model.doubt(labels, through: through)
      note("a deletion failed: \(error)")
    }
  }

  /// Takes a snapshot, opens it as a database of its own and compares.
  private func takeSnapshot() throws {
    guard let server, trouble.errorsUntil < 0, trouble.diskFullUntil < 0, !disk.isStopped else { return }
    let name: String
    do {
      name = try server.database.administration.snapshot(skipsHead: false).name
    } catch {
      note("a snapshot failed: \(error)")
      return
    }
    note("snapshot \(name)")
    count { $0.snapshots += 1 }
    let path = SimulatedServer.root + "/snapshots/" + name
    var restored = options
    restored.directory = path
    let first = trueTime - World.retentionMilliseconds + 7_200_000
    let found: [Labels: WorldModel.Times]
    do {
      found = try SimulatedServer(restored, disk: disk, clock: clock, log: log.log).everything(
        from: first, through: trueTime + 86_400_000)
    } catch {
      note("the snapshot does not open: \(error)")
      try? disk.removeTree(path)
      return
    }
    if disk.isStopped { return }
    let differences = model.differences(found, from: first, through: trueTime + 86_400_000)
    if let wrong = differences.wrong { throw Finding(description: "in a snapshot: \(wrong)") }
    try judge(differences, " in a snapshot")
    // A failing disk may keep it.
    try? disk.removeTree(path)
  }

  private func damageFile() {
    guard !absent.contains(.damage) else { return }
    // Only while nobody has it open, so that it is found where damage is looked for.
    guard server != nil, trouble.clockStep == 0 else { return }
    closeCleanly()
    guard server == nil else { return }
    var files: [String] = []
    walk(SimulatedServer.root) { files.append($0) }
    guard !files.isEmpty else { return }
    let path = files[numbers.below(files.count)]
    if !trouble.wantsCheck { trouble.damagedAt = log.damageCount }
    trouble.wantsCheck = true
    do {
      if numbers.below(4) == 0 {
        try disk.removeFile(path)
        note("\(path) is gone")
      } else {
        var bytes = try disk.readFile(path)
        guard !bytes.isEmpty else { return }
        let place = numbers.below(bytes.count)
        bytes[place] ^= UInt8(1 << numbers.below(8))
        let file = try disk.open(path, .truncate)
        try bytes.withUnsafeBytes { bytes throws in try file.write(bytes, at: 0) }
        try file.sync()
        try file.close()
        note("a bit of \(path) at \(place) of \(bytes.count) is another")
      }
      count { $0.damages += 1 }
    } catch {
      note("\(path) could not be damaged: \(error)")
    }
  }

  private func walk(_ directory: String, _ visit: (String) -> Void) {
    for name in (try? disk.list(directory)) ?? [] {
      let path = directory + "/" + name
      guard let status = try? disk.status(path) else { continue }
      if status.kind == .directory { walk(path, visit) } else { visit(path) }
    }
  }

  /// The end of a world: everything works again and everybody has sent what he has.
  func healEverything() {
    disk.removeFaults()
    disk.setFreeBytes(1 << 40)
    trouble.errorsUntil = -1
    trouble.diskFullUntil = -1
    if disk.isStopped { crash() }
    if trouble.clockStep != 0 { clock.stepWall(milliseconds: -trouble.clockStep) }
    trouble.clockStep = 0
    kill()
    start()
  }
}

/// Counts the operations that a fault sees. One thread's in a world; a class for the closure's sake.
private final class CountedCalls: @unchecked Sendable {
  private var count = 0
  func next() -> Int {
    count += 1
    return count
  }
}
