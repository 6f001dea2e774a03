import Format
import Model
import Platform
import PlatformSimulation
import TSDB
import Testing

@Suite struct WALCheckpointTests {
  /// Five segments; series 1...20 in the first, samples of every series at times 0..<50, metadata in each segment.
  private func filled(_ disk: any Disk) throws -> (setup: WALSetup, log: WriteAheadLog) {
    let setup = WALSetup(disk, root: "/data")
    let log = try setup.open()
    var body = WALBody()
    for segment in 0..<5 {
      if segment > 0 { try log.cutSegment() }
      body.removeAll()
      if segment == 0 { body.addSeries((1...20).map { ($0, Labels([("__name__", "m\($0)")])) }) }
      for time in (segment * 10)..<(segment * 10 + 10) {
        body.addSamples((1...20).map { Sample($0, Int64(time), Double(time)) })
      }
      for ref in 1...20 as ClosedRange<UInt64> { body.addMetadata(ref, help: "help of \(ref) in \(segment)") }
      var tombstones = ByteBuffer()
      TombstonesRecord.begin(&tombstones)
      TombstonesRecord.append(TombstoneRow(ref: 1, minTime: 0, maxTime: Int64(segment * 10)), to: &tombstones)
      body.append(tombstones)
      try log.commit(body)
    }
    try log.cutSegment()
    try log.sync()
    return (setup, log)
  }

  private let odd = Checkpoint.Choice(minTime: 25) { $0 % 2 == 1 }

  @Test("a checkpoint keeps what was asked for, and stands for the segments up to its number")
  func keeps() throws {
    let disk = SimulatedDisk()
    let (setup, log) = try filled(disk)
    let statistics = try log.checkpoint(through: 3, odd, quarantine: setup.quarantine)
    #expect(statistics.keptSeries == 10 && statistics.droppedSeries == 10)
    #expect(statistics.keptSamples == 15 * 20 && statistics.droppedSamples == 25 * 20)
    try log.truncate(before: 4)
    #expect(try setup.directory.segments() == [4, 5])
    #expect(try setup.directory.checkpoints() == [3])
    let replayed = try setup.replay()
    #expect(Set(replayed.series.keys) == Set(stride(from: 1, through: 19, by: 2)))
    #expect(replayed.samples == (25..<50).flatMap { time in (1...20).map { Sample($0, Int64(time), Double(time)) } })
    #expect(replayed.metadata[3] == "help of 3 in 4")
    #expect(replayed.tombstones.map(\.maxTime) == [30, 40])
    #expect(replayed.numbers.missingSegments == 0)
    #expect(setup.metrics.checkpoints.value == 1 && setup.metrics.checkpointsFailed.value == 0)
  }

  @Test("a checkpoint of a checkpoint keeps the last metadata, and only the last checkpoint stays")
  func twice() throws {
    let disk = SimulatedDisk()
    let (setup, log) = try filled(disk)
    _ = try log.checkpoint(through: 1, .init(minTime: 0) { _ in true }, quarantine: setup.quarantine)
    try log.truncate(before: 2)
    let second = try log.checkpoint(through: 3, odd, quarantine: setup.quarantine)
    #expect(second.keptSeries == 10)
    try log.truncate(before: 4)
    #expect(try setup.directory.checkpoints() == [3])
    #expect(try setup.replay(before: 4).metadata[5] == "help of 5 in 3")
    #expect(try setup.replay(before: 4).metadata.count == 10)
    #expect(try setup.replay().samples.first?.timestamp == 25)
    let again = try log.checkpoint(through: 3, odd, quarantine: setup.quarantine)
    #expect(again.keptSeries == 0 && again.keptSamples == 0, "it exists")
  }

  @Test("a replay from a position before the checkpoint begins with the checkpoint, from behind it does not")
  func positions() throws {
    let disk = SimulatedDisk()
    let (setup, log) = try filled(disk)
    _ = try log.checkpoint(through: 1, .init(minTime: 0) { _ in true }, quarantine: setup.quarantine)
    try log.truncate(before: 2)
    #expect(try setup.replay(from: WALPosition(segment: 1, offset: 5)).series.count == 20)
    let behind = try setup.replay(from: WALPosition(segment: 3, offset: 0))
    #expect(behind.series.isEmpty && behind.samples.first?.timestamp == 30)
  }

  @Test("a checkpoint and the truncation after it may be interrupted anywhere without losing what is kept")
  func interrupted() throws {
    var step = 0
    var finished = false
    while !finished {
      let disk = SimulatedDisk()
      let (setup, log) = try filled(disk)
      disk.stop(afterOperation: disk.operationCount + step)
      do {
        _ = try log.checkpoint(through: 3, odd, quarantine: setup.quarantine)
        try log.truncate(before: 4)
        finished = true
      } catch { #expect(disk.isStopped, "\(error)") }
      let kind = disk.crash(seed: UInt64(step))
      let next = try setup.open()
      let replayed = try setup.replay(before: next.firstSegment)
      #expect(Set(replayed.series.keys).isSuperset(of: Set(stride(from: 1, through: 19, by: 2))), "\(step) \(kind)")
      let kept = replayed.samples.filter { $0.timestamp >= 25 }
      #expect(kept.count == 25 * 20, "\(step) \(kind)")
      #expect(replayed.numbers.damages == 0 && replayed.numbers.missingSegments == 0, "\(step) \(kind)")
      #expect(replayed.metadata[7] == "help of 7 in 4")
      #expect(!(try disk.list(setup.options.directory)).contains { $0.hasSuffix(".tmp") })
      step += 1
    }
    #expect(step > 8)
  }

  @Test("a checkpoint that cannot be written leaves the log as it was")
  func fullDisk() throws {
    let disk = SimulatedDisk()
    let (setup, log) = try filled(disk)
    disk.inject(SimulatedFault(code: 28) { operation, path in operation == .write && path.contains("checkpoint") })
    #expect(throws: WALError.self) { try log.checkpoint(through: 3, odd, quarantine: setup.quarantine) }
    #expect(setup.metrics.checkpointsFailed.value == 1)
    #expect(try setup.directory.checkpoints().isEmpty)
    #expect(try setup.replay().samples.count == 50 * 20)
    disk.removeFaults()
    #expect(try log.checkpoint(through: 3, odd, quarantine: setup.quarantine).keptSeries == 10)
  }

  @Test("histograms and exemplars pass through a checkpoint as they were")
  func otherKinds() throws {
    let disk = SimulatedDisk()
    let setup = WALSetup(disk, root: "/data")
    let log = try setup.open()
    var body = WALBody()
    var record = ByteBuffer()
    var exemplars = ExemplarsRecord()
    for time in 0..<10 as Range<Int64> {
      exemplars.append(ref: 1, timestamp: time, value: 1, labels: Labels([("trace_id", "x")]), to: &record)
    }
    body.append(record)
    record.removeAll()
    // An integer histogram without buckets: hint, schema, thresholds, counts, sum and four empty lists.
    let payload: [UInt8] =
      [0, 0] + Array(repeating: 0, count: 8) + [0, 2] + Array(repeating: 0, count: 8) + [0, 0, 0, 0]
    var histograms = HistogramsRecord(.histograms)
    for time in 0..<10 as Range<Int64> {
      payload.lend { histograms.append(ref: 1, timestamp: time, payload: $0, to: &record) }
    }
    body.append(record)
    // A kind of a later version is dropped.
    body.append(UnsafeRawBufferPointer(start: nil, count: 0))
    [UInt8(77), 1, 2].withUnsafeBytes { body.append($0) }
    try log.commit(body)
    try log.cutSegment()
    let before = try setup.replay()
    #expect(before.histograms.count == 10 && before.exemplars == 10 && before.numbers.unknownRecords == 1)
    _ = try log.checkpoint(through: 0, .init(minTime: 4) { _ in true }, quarantine: setup.quarantine)
    let after = try setup.replay()
    #expect(
      after.histograms.map(\.timestamp) == [4, 5, 6, 7, 8, 9] && after.exemplars == 6
        && after.numbers.unknownRecords == 0)
  }
}
