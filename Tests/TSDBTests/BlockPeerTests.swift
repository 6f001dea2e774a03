import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

@Suite struct BlockPeerTests {
  @Test(
    "a block that promtool wrote is read sample for sample, and is whole",
    .enabled(if: WALPeers.isExpected, WALPeers.absence))
  func written() throws {
    let directory = try TemporaryDirectory()
    var source = RandomSource(for: "a block of promtool")
    var wanted: PlainSamples = [:]
    var lines = ["# TYPE m gauge"]
    let start: Int64 = 1_699_999_200
    for number in 0..<70 {
      let labels = Labels([("__name__", "m"), ("host", "h\(number)"), ("zone", ["a", "ö", "\\\"x"][number % 3])])
      for sample in 0..<(1 + source.below(300)) {
        let time = start + Int64(15 * sample)
        let value = Double(source.below(1000)) / 4
        wanted[labels, default: [:]][time * 1000] = value.bitPattern
        let zone = ["a", "ö", "\\\\\\\"x"][number % 3]
        lines.append("m{host=\"h\(number)\",zone=\"\(zone)\"} \(value) \(time)")
      }
    }
    lines.append("# EOF\n")
    let disk = LinuxDisk()
    let text = directory.path + "/samples.txt"
    let file = try AppendFile(text, on: disk, .create)
    try file.append(Array(lines.joined(separator: "\n").utf8))
    try file.close()
    let blocks = try directory.makeFolder("blocks")
    _ = try WALPeers.run(
      ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, blocks], output: directory.path + "/out.txt")
    var found: PlainSamples = [:]
    var series = DecodedSeries()
    var samples = SeriesSamples()
    for name in try disk.list(blocks) where ULID(name) != nil {
      let verification = try BlockVerification(blocks + "/" + name, on: disk)
      #expect(verification.isWhole, "\(verification.findings)")
      let block = try Block(blocks + "/" + name, on: disk)
      for reference in try block.select([CompiledMatcher(Matcher(.equal, "__name__", "m"))]) {
        #expect(block.index.read(reference, into: &series))
        let labels = try #require(block.labels(series.labels))
        samples.removeAll()
        block.read(series, reference, from: .min, through: .max, into: &samples)
        for place in 0..<samples.count { found[labels, default: [:]][samples.times[place]] = samples.values[place] }
      }
    }
    let isSame = found == wanted
    #expect(isSame, "\(found.count) of \(wanted.count) series")
  }
}
