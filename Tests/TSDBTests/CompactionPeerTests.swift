import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

@Suite struct CompactionPeerTests {
  private let hour = BlockBench.hour

  private func run(_ words: [String], _ directory: TemporaryDirectory) throws -> [String] {
    try WALPeers.run(["promtool", "tsdb"] + words, output: directory.path + ".txt")
  }

  /// Every line of `promtool tsdb dump`, sorted.
  private func dump(_ path: String, _ directory: TemporaryDirectory) throws -> [String] {
    try run(["dump", path], directory).sorted()
  }

  /// OpenMetrics of counters with gaps, changing sets of series, and times that go over several blocks.
  private func openMetrics(_ seed: UInt64) -> String {
    var random = RandomSource(seed: seed)
    var text = ""
    for number in 0..<40 {
      var time: Int64 = 1_700_000_000_000 + Int64(random.below(20)) * hour
      var value = Double(random.below(1000))
      text += "# TYPE m\(number) gauge\n"
      for _ in 0..<(50 + random.below(400)) {
        time += Int64(random.below(120_000)) + 1
        value += Double(random.below(7)) / 4
        text += "m\(number){job=\"a\(number % 3)\",text=\"q\\\"\\\\é\"} \(value) \(Double(time) / 1000)\n"
      }
    }
    return text + "# EOF\n"
  }

  @Test(
    "blocks of promtool are compacted, cleaned and rewritten, and promtool reads the same samples from what becomes of them",
    .enabled(if: WALPeers.isExpected, WALPeers.absence))
  func promtool() throws {
    let directory = try TemporaryDirectory()
    let data = try directory.makeFolder("data")
    _ = try directory.makeFolder("data/wal")
    for seed in [1, 2] as [UInt64] {
      // The second lies over the first.
      let file = try directory.write(openMetrics(seed), to: "text")
      _ = try run(["create-blocks-from", "openmetrics", file, data], directory)
    }
    let before = Set(try dump(data, directory))
    #expect(before.count > 5000)
    let log = Log(level: .error, format: .logfmt) { line in Issue.record("\(line)") }
    let blocks = BlockSet(
      data, quarantine: data + "/quarantine", disk: LinuxDisk(), log: log, registry: MetricsRegistry())
    try blocks.load()
    let first = blocks.current.blocks.count
    let clock = SimulatedClock(nowMilliseconds: 1_800_000_000_000)
    let compactor = Compactor(blocks, clock: clock, stop: CancelFlag())
    while compactor.round(CompactionOptions(), now: clock.nowMilliseconds()) {}
    #expect(first > 10 && blocks.current.blocks.count < first)
    #expect(try run(["list", data], directory).count == blocks.current.blocks.count + 1)
    #expect(Set(try dump(data, directory)) == before)
    #expect(try run(["analyze", data], directory).contains { $0.contains("Label pairs most involved in churning") })

    let admin = BlockAdministration(
      blocks, compactor: compactor, head: TestHead(), directory: data + "/snapshots", clock: clock)
    try admin.delete([try CompiledMatcher(Matcher(.regex, "__name__", "m[1-3].*"))], in: .min ... .max)
    let left = before.filter { !["m1", "m2", "m3"].contains(String($0.dropFirst(11).prefix(2))) }
    #expect(left.count > 100 && left.count < before.count)
    // It reads our tombstones...
    #expect(Set(try dump(data, directory)) == left)
    let name = try admin.snapshot(skipsHead: true).name
    try admin.cleanTombstones()
    // ...our rewritten blocks, and the snapshot from before.
    #expect(Set(try dump(data, directory)) == left)
    #expect(Set(try dump(data + "/snapshots/" + name, directory)) == left)
  }

  @Test(
    "imported text becomes blocks in which promtool finds every sample",
    .enabled(if: WALPeers.isExpected, WALPeers.absence))
  func imported() throws {
    let directory = try TemporaryDirectory()
    let (ours, theirs) = (try directory.makeFolder("ours"), try directory.makeFolder("theirs"))
    for folder in [ours, theirs] { try LinuxDisk().makeDirectory(folder + "/wal") }
    let text = openMetrics(3)
    let file = try directory.write(text, to: "text")
    _ = try run(["create-blocks-from", "openmetrics", file, theirs], directory)
    // A bound so low that several gatherings lie over each other.
    var samples = SampleImport(into: ours, on: LinuxDisk(), clock: SystemClock(), samplesMax: 3000)
    try Array(text.utf8).withUnsafeBytes { bytes in
      var scanner = ExpositionScanner(LentBytes(bytes), .openMetrics)
      var labels = ExpositionLabels()
      while try scanner.nextSample(&labels) {
        let time = scanner.time
        try samples.add(labels.labels(), time: #require(time), value: scanner.value)
      }
    }
    try samples.flush()
    #expect(samples.blocks.count > 3)
    #expect(try Set(dump(ours, directory)) == Set(dump(theirs, directory)))
  }
}
