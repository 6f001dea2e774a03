import Format
import Model
import Platform
import TSDB

#if canImport(Glibc)
  import Glibc
#endif

// What the commands of `apus tsdb` do. Output is written as it comes; what is wrong goes to standard error.
extension TSDBCommand {
  /// The exit code: 0, or 1 where something could not be done or is damaged.
  func run() -> Int32 {
    let output = CommandOutput()
    defer { output.flush() }
    do throws(TSDBCommandError) {
      switch self {
      case .list(let directory, let isForPeople): return try list(directory, isForPeople, output)
      case .analyze(let directory, let block, let rowsMax, let matchers):
        return try analyze(directory, block, rowsMax, matchers, output)
      case .verify(let directory): return try verify(directory, output)
      case .dump(let directory, let selection):
        return try dump(directory, selection, output, TSDBCommand.dumpLine, TSDBCommand.dumpHistogramLine)
      case .export(let directory, let selection):
        let code = try dump(directory, selection, output, TSDBCommand.openMetricsLine)
        output.line("# EOF")
        return code
      case .importBlocks(let source, let directory): return try importBlocks(source, directory, output)
      case .importOpenMetrics(let file, let directory): return try importOpenMetrics(file, directory, output)
      case .snapshot(let options): return try SnapshotRun(options, output).run()
      case .restore(let source, let directory, let options): return try restore(source, directory, options, output)
      }
    } catch {
      output.flush()
      writeToStandardError("apus tsdb: \(error)")
      return 1
    }
  }

  // MARK: looking

  private func list(_ directory: String, _ isForPeople: Bool, _ output: CommandOutput) throws(TSDBCommandError) -> Int32
  {
    let (snapshot, code) = try TSDBCommand.open(directory)
    output.line(
      TSDBText.columns([
        "BLOCK ULID", "MIN TIME", "MAX TIME", "DURATION", "NUM SAMPLES", "NUM CHUNKS", "NUM SERIES", "SIZE",
      ]))
    for block in snapshot.blocks {
      let meta = block.meta
      func time(_ milliseconds: Int64) -> String {
        isForPeople ? TimeText.text(milliseconds: milliseconds) : "\(milliseconds)"
      }
      output.line(
        TSDBText.columns([
          "\(meta.ulid)", time(meta.minTime), time(meta.maxTime), TSDBText.duration(meta.maxTime - meta.minTime),
          "\(meta.stats.samples)", "\(meta.stats.chunks)", "\(meta.stats.series)",
          isForPeople ? TSDBText.bytes(block.sizeBytes) : "\(block.sizeBytes)",
        ]))
    }
    return code
  }

  private func analyze(
    _ directory: String, _ name: String?, _ rowsMax: Int, _ matchers: [Matcher], _ output: CommandOutput
  ) throws(TSDBCommandError) -> Int32 {
    let (snapshot, code) = try TSDBCommand.open(directory)
    let named = name.map { name in snapshot.blocks.first { "\($0.meta.ulid)" == name } } ?? snapshot.blocks.last
    guard let block = named else { throw .text(name.map { "there is no block \($0)" } ?? "no blocks found") }
    let table = try TSDBCommandError.wrap { () throws(BlockError) in
      try BlockCardinality(block, try TSDBCommand.compile(matchers), rowsMax: rowsMax)
    }
    output.line("Block ID: \(block.meta.ulid)")
    output.line("Duration: \(TSDBText.duration(block.meta.maxTime - block.meta.minTime))")
    output.line("Total Series: \(block.meta.stats.series)")
    if !matchers.isEmpty { output.line("Matched series: \(table.seriesCount)") }
    output.line("Label names: \(table.labelNameCount)")
    output.line("Postings (unique label pairs): \(table.pairCount)")
    output.line("Postings entries (total label pairs): \(table.entryCount)")
    for (title, rows) in [
      ("Label pairs most involved in churning", table.churnOfPairs),
      ("Label names most involved in churning", table.churnOfNames), ("Most common label pairs", table.seriesOfPairs),
      ("Label names with highest cumulative label value length", table.valueBytesOfNames),
      ("Highest cardinality labels", table.valuesOfNames), ("Highest cardinality metric names", table.seriesOfMetrics),
    ] {
      output.line("\n\(title):")
      for row in rows { output.line("\(row.count) \(row.key)") }
    }
    return code
  }

  private func verify(_ directory: String, _ output: CommandOutput) throws(TSDBCommandError) -> Int32 {
    var (snapshot, code) = try TSDBCommand.open(directory)
    for block in snapshot.blocks {
      let result = try TSDBCommandError.wrap { () throws(BlockError) in
        try BlockVerification(block.directory, on: LinuxDisk())
      }
      if result.isWhole {
        output.line("\(block.meta.ulid) ok: \(result.stats.series) series, \(result.stats.samples) samples")
        continue
      }
      code = 1
      output.line("\(block.meta.ulid) DAMAGED: \(result.findingCount) findings")
      for finding in result.findings { output.line("  \(finding)") }
    }
    if snapshot.blocks.isEmpty && code == 0 {
      throw .text(
        "there are no blocks in \(directory), so nothing was verified; the head and its log are not looked at")
    }
    return code
  }

  // MARK: copying out

  private typealias HistogramLineWriter = (Labels, Int64, Histogram, inout [UInt8]) -> Void
  private typealias LineWriter = (Labels, Int64, Double, inout [UInt8]) -> Void

  /// - Parameter writeHistogram: nil: the format has no way to say them.
  private func dump(
    _ directory: String, _ selection: TSDBSelection, _ output: CommandOutput, _ write: LineWriter,
    _ writeHistogram: HistogramLineWriter? = nil
  ) throws(TSDBCommandError) -> Int32 {
    let report = BlockReport()
    var (snapshot, code) = try TSDBCommand.open(directory, report: report)
    var selectors: [[CompiledMatcher]] = []
    for selector in selection.selectors {
      selectors.append(
        try TSDBCommandError.wrap { () throws(BlockError) in try TSDBCommand.compile(selector) })
    }
    let range = selection.minTime...selection.maxTime
    var leftOut = 0
    try TSDBCommandError.wrap { () throws(BlockError) in
      var samples = SeriesSamples()
      for series in try snapshot.series(selectors, in: range) {
        try series.read(from: range.lowerBound, through: range.upperBound, into: &samples)
        for place in 0..<samples.count {
          output.append { write(series.labels, samples.times[place], Double(bitPattern: samples.values[place]), &$0) }
        }
        for place in 0..<samples.histograms.count {
          guard let writeHistogram else {
            leftOut += 1
            continue
          }
          let (time, histogram) = (samples.histograms.times[place], samples.histograms.values[place])
          output.append { writeHistogram(series.labels, time, histogram, &$0) }
        }
      }
    }
    if report.unreadable.value + report.unsupported.value + leftOut > 0 {
      writeToStandardError(
        "apus tsdb: left out are \(report.unreadable.value) damaged chunks, \(report.unsupported.value) of unknown kinds "
          + "and \(leftOut) histograms")
      code = 1
    }
    return code
  }

  /// A line as promtool writes it: `{labels} value milliseconds`.
  private static func dumpLine(_ labels: Labels, _ time: Int64, _ value: Double, _ line: inout [UInt8]) {
    line.append(contentsOf: labels.description.utf8)
    line.append(UInt8(ascii: " "))
    FloatText.append(value, plainFrom: -4, below: 6, to: &line)
    line.append(contentsOf: " \(time)".utf8)
  }

  /// A line as promtool writes it: `{labels} {count:2, sum:3, (1,2]:2} milliseconds`.
  private static func dumpHistogramLine(
    _ labels: Labels, _ time: Int64, _ histogram: Histogram, _ line: inout [UInt8]
  ) {
    func append(_ text: String, _ value: Double) {
      line.append(contentsOf: text.utf8)
      FloatText.append(value, plainFrom: -4, below: 21, to: &line)
    }
    line.append(contentsOf: labels.description.utf8)
    append(" {count:", histogram.count)
    append(", sum:", histogram.sum)
    for bucket in histogram.allBuckets where bucket.count != 0 {
      append(bucket.includesLower ? ", [" : ", (", bucket.lower)
      append(",", bucket.upper)
      append(bucket.includesUpper ? "]:" : "):", bucket.count)
    }
    line.append(contentsOf: "} \(time)".utf8)
  }

  private static func openMetricsLine(_ labels: Labels, _ time: Int64, _ value: Double, _ line: inout [UInt8]) {
    let name = labels.metricName ?? ""
    let others = labels.pairs.filter { $0.name != LabelName.metric }.map { pair in
      (LabelName.isLegacy(pair.name) ? pair.name : quoted(pair.name)) + "=" + quoted(pair.value)
    }
    if LabelName.isLegacyMetric(name) {
      line.append(contentsOf: name.utf8)
      if !others.isEmpty { line.append(contentsOf: ("{" + others.joined(separator: ",") + "}").utf8) }
    } else {
      line.append(contentsOf: ("{" + ([quoted(name)] + others).joined(separator: ",") + "}").utf8)
    }
    line.append(UInt8(ascii: " "))
    FloatText.append(value, plainFrom: -4, below: 21, to: &line)
    line.append(contentsOf: " \(TSDBText.seconds(time))".utf8)
  }

  // MARK: parts

  private static func open(
    _ directory: String, report: BlockReport = BlockReport()
  ) throws(TSDBCommandError) -> (BlockSnapshot, Int32) {
    let (snapshot, unopened) = try TSDBCommandError.disk { () throws(DiskError) in
      try BlockSnapshot.open(directory, on: LinuxDisk(), report: report)
    }
    for (ulid, fault) in unopened { writeToStandardError("apus tsdb: block \(ulid) cannot be opened: \(fault)") }
    return (snapshot, unopened.isEmpty ? 0 : 1)
  }

  private static func compile(_ matchers: [Matcher]) throws(BlockError) -> [CompiledMatcher] {
    var compiled: [CompiledMatcher] = []
    do throws(RegexError) {
      for matcher in matchers { compiled.append(try CompiledMatcher(matcher)) }
    } catch {
      throw .misused("\(error)")
    }
    return compiled
  }
}
