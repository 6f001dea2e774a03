import Format
import Model
import Platform
import PlatformSimulation
import TSDB
import Testing

/// Bytes of a file on any disk.
private func read(_ disk: any Disk, _ path: String) throws -> [UInt8] { try disk.readFile(path) }

private func change(_ disk: any Disk, _ path: String, at offset: Int, _ bytes: [UInt8]) throws {
  let file = try disk.open(path, .readWrite)
  try bytes.withUnsafeBytes { try file.write($0, at: offset) }
  try file.close()
}

@Suite struct WALDamageTests {
  private let samplesPerCommit = 30

  /// Five segments of twenty commits, samples numbered through.
  private func filled(_ disk: any Disk) throws -> (setup: WALSetup, positions: [WALPosition]) {
    let setup = WALSetup(disk, root: "/data")
    let log = try setup.open()
    var body = WALBody()
    var positions: [WALPosition] = []
    for segment in 0..<5 {
      if segment > 0 { try log.cutSegment() }
      for round in 0..<20 {
        body.removeAll()
        body.addSamples(
          (0..<samplesPerCommit).map { Sample(UInt64($0), Int64(segment * 20 + round), Double($0) * 1.1) })
        positions.append(try log.commit(body))
      }
    }
    try log.sync()
    return (setup, positions)
  }

  @Test("a torn tail loses only the record that was being written, and is cut off for good")
  func tornTail() throws {
    let disk = SimulatedDisk()
    let (setup, positions) = try filled(disk)
    let path = setup.directory.segmentPath(4)
    let file = try disk.open(path, .readWrite)
    try file.truncate(to: positions[99].offset - 10)
    try file.close()
    let replayed = try setup.replay()
    #expect(replayed.samples.count == 99 * samplesPerCommit)
    #expect(replayed.end == positions[98])
    #expect(replayed.numbers.tornTails == 1 && replayed.numbers.damages == 0)
    #expect(setup.keptLog.lines.contains { $0.contains("torn last record") })
    #expect(try disk.status(path).size == positions[98].offset)
    let again = try setup.replay()
    #expect(again.samples == replayed.samples)
    #expect(again.numbers.tornTails == 0)
  }

  @Test("a damaged record is set aside and costs itself alone; afterwards the log reads clean, at the old positions")
  func damagedInTheMiddle() throws {
    let disk = SimulatedDisk()
    let (setup, positions) = try filled(disk)
    let path = setup.directory.segmentPath(1)
    let original = try read(disk, path)
    // In the middle of the sixth record of the second segment.
    let place = (positions[24].offset + positions[25].offset) / 2
    try change(disk, path, at: place, [original[place] ^ 0x40])
    let damaged = try read(disk, path)
    let replayed = try setup.replay()
    #expect(replayed.samples.count == 99 * samplesPerCommit)
    #expect(!replayed.samples.contains { $0.timestamp == 25 })
    #expect(replayed.numbers.damages == 1 && replayed.numbers.quarantinedSegments == 1)
    #expect(setup.metrics.corruptions.value == 1)
    #expect(setup.keptLog.lines.contains { $0.contains("damaged") })
    let aside = try disk.list(setup.quarantine)
    #expect(aside == ["wal-00000001"])
    #expect(try read(disk, setup.quarantine + "/" + aside[0]) == damaged)
    #expect(try read(disk, path).count == original.count)
    let again = try setup.replay()
    #expect(again.samples == replayed.samples)
    #expect(again.numbers.damages == 0 && again.numbers.unknownRecords == 0)
    #expect(try setup.replay(from: positions[30]).samples.count == 69 * samplesPerCommit)
  }

  @Test("a segment of garbage does not keep the others from being read")
  func garbageSegment() throws {
    let disk = SimulatedDisk()
    let (setup, _) = try filled(disk)
    var numbers = SeededNumbers(seed: 3)
    let size = try disk.status(setup.directory.segmentPath(2)).size
    let garbage = (0..<size).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
    try change(disk, setup.directory.segmentPath(2), at: 0, garbage)
    let replayed = try setup.replay()
    #expect(replayed.samples.count == 80 * samplesPerCommit)
    #expect(replayed.numbers.quarantinedSegments == 1)
    #expect(try setup.replay().numbers.damages == 0)
  }

  @Test("pages that the disk cannot read cost the records in them, nothing else")
  func unreadablePage() throws {
    let disk = SimulatedDisk()
    let (setup, _) = try filled(disk)
    let path = setup.directory.segmentPath(3)
    disk.inject(SimulatedFault(code: 5) { operation, faulted in operation == .read && faulted == path })
    let replayed = try setup.replay()
    #expect(replayed.samples.count == 80 * samplesPerCommit)
    #expect(replayed.numbers.damages > 0)
    disk.removeFaults()
    #expect(try setup.replay().samples.count == 80 * samplesPerCommit)
  }

  @Test("a missing segment is told, and the gap closed so that Prometheus opens the log")
  func missingSegment() throws {
    let disk = SimulatedDisk()
    let (setup, _) = try filled(disk)
    try disk.removeFile(setup.directory.segmentPath(1))
    try disk.removeFile(setup.directory.segmentPath(2))
    let replayed = try setup.replay()
    #expect(replayed.samples.count == 60 * samplesPerCommit)
    #expect(replayed.numbers.missingSegments == 2)
    #expect(setup.keptLog.lines.contains { $0.contains("missing") })
    #expect(try setup.directory.segments() == [0, 1, 2, 3, 4])
    #expect(try setup.replay().numbers.missingSegments == 0)
  }

  @Test("where nothing can be mended the log is read all the same")
  func readOnlyDisk() throws {
    let disk = SimulatedDisk()
    let (setup, positions) = try filled(disk)
    let path = setup.directory.segmentPath(1)
    try change(disk, path, at: positions[24].offset + 9, [1, 2, 3, 4])
    disk.inject(SimulatedFault(code: 30) { operation, _ in operation.isCounted })
    let replayed = try setup.replay()
    #expect(replayed.samples.count == 99 * samplesPerCommit)
    #expect(setup.keptLog.lines.contains { $0.contains("left as it is") })
  }

  @Test("mending may be interrupted after any step: what was readable stays readable")
  func interruptedMending() throws {
    var step = 0
    var finished = false
    while !finished {
      let disk = SimulatedDisk()
      let (setup, positions) = try filled(disk)
      let path = setup.directory.segmentPath(1)
      try change(disk, path, at: positions[24].offset + 9, [1, 2, 3, 4])
      let file = try disk.open(path, .readWrite)
      try file.sync()
      try file.close()
      disk.stop(afterOperation: disk.operationCount + step)
      _ = try? setup.replay()
      finished = !disk.isStopped
      disk.crash(seed: UInt64(step))
      let log = try setup.open()
      #expect(try setup.replay(before: log.firstSegment).samples.count == 99 * samplesPerCommit, "step \(step)")
      step += 1
    }
    #expect(step > 5)
  }

  @Test("no damage keeps the log from being read to its end")
  func mutations() throws {
    let seed: UInt64 = 424_242
    var numbers = SeededNumbers(seed: seed)
    for _ in 0..<20 {
      let disk = SimulatedDisk()
      let (setup, _) = try filled(disk)
      for _ in 0..<Int.random(in: 1...6, using: &numbers) {
        let path = setup.directory.segmentPath(Int.random(in: 0..<5, using: &numbers))
        let size = try disk.status(path).size
        let place = Int.random(in: 0..<size, using: &numbers)
        let length = Int.random(in: 1...min(size - place, 300), using: &numbers)
        try change(disk, path, at: place, (0..<length).map { _ in UInt8(truncatingIfNeeded: numbers.next()) })
      }
      let replayed = try setup.replay()
      let again = try setup.replay()
      #expect(replayed.samples == again.samples, "seed \(seed)")
      #expect(again.numbers.damages == 0 && again.numbers.tornTails == 0, "seed \(seed)")
      #expect(replayed.samples.count >= 60 * samplesPerCommit)
    }
  }
}
