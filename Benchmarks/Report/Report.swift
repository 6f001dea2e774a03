import TestKit

/// Every figure of Apus beside its peers, part by part, one server after the other on the same bytes. Owned by one thread.
struct Report {
  private let options: BenchOptions
  private let size: ReportSize
  let facts: MachineFacts
  private(set) var rows: [ReportRow] = []
  private(set) var queries: QueryFigures?
  /// Where Apus itself, or a part as a whole, could not be measured, why.
  private(set) var failures: [String] = []
  private(set) var hashes: [(part: String, hash: UInt64)] = []

  init(_ options: BenchOptions) {
    var options = options
    size = options.size
    options.settleSeconds = size.settleSeconds
    self.options = options
    facts = MachineFacts(options)
  }

  var contenders: [Contender] { options.contenders }
  var sizeName: String { size.name }

  mutating func run() throws {
    for part in ReportPart.allCases where !part.chosen(options.onlyRows).isEmpty {
      report("report: \(part.rawValue)")
      let first = rows.count
      do {
        try measure(part)
      } catch let mistake as BenchOptions.Mistake {
        throw mistake
      } catch {
        // Of hours of other figures none are lost.
        try Interruption.check()
        failures.append("\(part.rawValue): \(error)")
      }
      for row in rows[first...] { report("  " + progress(row)) }
    }
  }

  /// What is known so far, for those who wait.
  private func progress(_ row: ReportRow) -> String {
    let figures = contenders.map {
      "\($0.rawValue) \(row.figures[$0].map { FigureTable.number($0, row.digits) } ?? "-")"
    }
    return "\(row.id): " + figures.joined(separator: ", ")
  }

  private mutating func measure(_ part: ReportPart) throws {
    switch part {
    case .ingest: try measureIngest()
    case .memory: try measureMemory(part, "memory", series: size.memory[0], [])
    case .memoryLarge:
      let bars: [Bar] = [.atMost(0.25, .prometheus), .atMost(0.5, .victoria)]
      try measureMemory(part, "memory-large", series: size.memory[1], bars)
    case .day: try measureDay()
    case .queries: try measureQueries()
    case .restart: try measureRestart()
    case .pause: try measurePauses()
    }
  }

  private mutating func measureIngest() throws {
    let options = options
    let workload = try options.workload(usualSeries: size.ingest.series, usualScrapes: size.ingest.scrapes)
    let sent = "\(count(workload.series)) series x \(workload.scrapes)"
    try fill(
      .ingest,
      [
        ReportRow(
          "ingest-cpu", "samples in / CPU-second, \(sent)", 0, [.atLeast(8, .prometheus), .atLeast(3, .victoria)]),
        ReportRow("ingest-wall", "samples in / wall second", 0),
      ]
    ) { contender in
      let figures = try IngestFigures(contender, workload, options)
      return (
        ["ingest-cpu": figures.samplesPerCPUSecond, "ingest-wall": figures.samplesPerWallSecond], figures.sent.digest
      )
    }
  }

  private mutating func measureMemory(_ part: ReportPart, _ id: String, series: Int, _ bars: [Bar]) throws {
    let options = options
    let workload = try options.workload(usualSeries: series, usualScrapes: size.memoryScrapes)
    try fill(part, [ReportRow(id, "resident bytes / series, \(count(workload.series)) series", 0, bars)]) { contender in
      let figures = try IngestFigures(contender, workload, options)
      return ([id: Double(figures.settled.residentBytes) / Double(workload.series)], figures.sent.digest)
    }
  }

  private mutating func measureDay() throws {
    var options = options
    options.leaveOutOwnMetrics()
    let workload = try options.workload(
      series: size.day.series, scrapes: size.day.scrapes, interval: size.day.intervalMilliseconds)
    let hours = Int64(workload.scrapes) * workload.intervalMilliseconds / 3_600_000
    let sent = "\(count(workload.series)) series x \(hours) h"
    try fill(
      .day,
      [
        // Without a bar: how much of the log is there depends on when the last block was made.
        ReportRow("disk", "bytes on disk / sample, log included, \(sent)", 3),
        ReportRow("disk-blocks", "of these in blocks / sample in blocks", 3, [.atMost(1, .prometheus)]),
        ReportRow("compaction-cpu", "flush and compaction, CPU ns / sample in blocks", 1, [.atMost(0.5, .prometheus)]),
        ReportRow("day-cpu", "the \(hours) h in all, CPU ns / sample", 1),
      ]
    ) { contender in
      let figures = try DayFigures(contender, workload, options)
      return (
        [
          "disk": figures.folderBytesPerSample, "disk-blocks": figures.blockBytesPerSample,
          "compaction-cpu": figures.blockNanosecondsPerSample, "day-cpu": figures.nanosecondsPerSample,
        ], figures.digest
      )
    }
    note(
      ["disk-blocks", "compaction-cpu"], .victoria,
      "keeps no blocks, and merges its parts at all times: see the whole folder and the CPU in all")
  }

  private mutating func measureQueries() throws {
    var options = options
    options.querySeconds = Double(size.queries.milliseconds) / 1000
    let workload = options.queryWorkload(series: size.queries.series, scrapes: size.queries.scrapes)
    let measured = try QueryFigures(options, workload)
    let bars: [Bar] = [.atMost(0.33, .prometheus), .atMost(0.6, .victoria)]
    let worstBars: [Bar] = [.atMost(1, .prometheus), .atMost(1, .victoria)]
    let mix = "\(DashboardQuery.mix.count) queries over \(count(measured.samples)) samples"
    rows += [
      queryRow("query-cpu", "CPU ms / query, median of \(mix)", measured, \.cpuSeconds, median, bars),
      queryRow("query-cpu-worst", "CPU ms / query, worst", measured, \.cpuSeconds, { $0.max() ?? .nan }, worstBars),
      queryRow("query-latency", "latency ms / query, median", measured, \.wallSeconds, median, []),
      queryRow("query-latency-worst", "latency ms / query, worst", measured, \.wallSeconds, { $0.max() ?? .nan }, []),
    ].filter { ReportPart.queries.chosen(options.onlyRows).contains($0.id) }
    for (contender, error) in measured.failures { try tell(error, contender, ReportPart.queries.rows) }
    for peer in contenders where peer != .apus {
      for difference in measured.differences(from: peer) { note(["query-cpu"], peer, difference) }
    }
    queries = measured
  }

  /// Its ratios are those of the queries taken together in the same way, not those of the figures.
  private func queryRow(
    _ id: String, _ name: String, _ measured: QueryFigures, _ figure: KeyPath<QueryFigure, Double>,
    _ together: ([Double]) -> Double, _ bars: [Bar]
  ) -> ReportRow {
    var row = ReportRow(id, name, 2, bars)
    row.ratios = [:]
    for (contender, figures) in measured.figures {
      row.figures[contender] = milliseconds(together(figures.map { $0[keyPath: figure] }))
      let ratios = measured.ratios(to: contender, figure)
      if contender != .apus, !ratios.isEmpty { row.ratios?[contender] = together(ratios) }
    }
    row.notes[nil] = "the ratio is the median, or the worst, of the ratios of the single queries"
    return row
  }

  private mutating func measureRestart() throws {
    let options = options
    let workload = try options.workload(usualSeries: size.restart.series, usualScrapes: size.restart.scrapes)
    let sent = "\(count(workload.series)) series x \(workload.scrapes)"
    var losses: [Contender] = []
    try fill(
      .restart,
      [
        ReportRow("restart", "seconds from SIGKILL to ready, \(sent)", 2, [.atMost(0.2, .prometheus)]),
        ReportRow("restart-cpu", "CPU seconds of that", 2),
      ]
    ) { contender in
      let figures = try RestartFigures(contender, workload, options)
      if !figures.lastIsThere { losses.append(contender) }
      return (["restart": figures.seconds, "restart-cpu": figures.cpuSeconds], figures.sent.digest)
    }
    for contender in losses { note(["restart"], contender, "the last sample was acknowledged and is lost") }
  }

  private mutating func measurePauses() throws {
    var options = options
    options.leaveOutOwnMetrics()
    let workload = try options.workload(series: size.pause.series, scrapes: size.pause.scrapes, interval: 60_000)
    let sent = "\(count(workload.series)) series x \(workload.scrapes)"
    try fill(
      .pause,
      [
        ReportRow("pause-append", "longest append, ms, beside flushes of \(sent)", 1, [.atMost(50)]),
        ReportRow("pause-query", "longest instant query, ms, beside them", 1, [.atMost(50)]),
      ]
    ) { contender in
      let figures = try PauseFigures(contender, workload, options)
      return (["pause-append": figures.appends.longest, "pause-query": figures.queries.longest], figures.sent.digest)
    }
  }

  /// Measures each server for the rows of a part that were asked for.
  private mutating func fill(
    _ part: ReportPart, _ partRows: [ReportRow],
    _ figures: (Contender) throws -> (values: [String: Double?], digest: UInt64)
  ) throws {
    let chosen = part.chosen(options.onlyRows)
    let first = rows.count
    rows += partRows.filter { chosen.contains($0.id) }
    var digests: [UInt64] = []
    for contender in contenders {
      do {
        let (values, digest) = try figures(contender)
        digests.append(digest)
        for index in first..<rows.count { rows[index].figures[contender] = values[rows[index].id] ?? nil }
      } catch {
        try tell(error, contender, chosen)
      }
    }
    guard let digest = digests.first else { return }
    guard digests.allSatisfy({ $0 == digest }) else {
      throw Trial.Failure(description: "the servers were sent different bytes: \(digests)")
    }
    hashes.append((part.rawValue, digest))
  }

  /// A peer that cannot be measured is a note; Apus is a failure as well.
  private mutating func tell(_ error: any Error, _ contender: Contender, _ ids: [String]) throws {
    try Interruption.check()
    report("\(contender.rawValue): \(error)")
    if contender == .apus { failures.append("\(error)") }
    note(ids, contender, "\(error)")
  }

  private mutating func note(_ ids: [String], _ contender: Contender, _ text: String) {
    guard contenders.contains(contender) else { return }
    for index in rows.indices where ids.contains(rows[index].id) {
      let earlier = rows[index].notes[contender].map { $0 + "; " } ?? ""
      rows[index].notes[contender] = earlier + text
    }
  }

  private func count(_ number: Int) -> String { FigureTable.number(Double(number), 0) }
}

/// Prints the report; the exit code tells whether Apus could be measured, not whether it is good.
func runReport(_ options: BenchOptions) throws {
  var all = Report(options)
  try all.run()
  print(ReportText(all).text)
  if let path = options.jsonFile { try ReportJSON(all).write(to: path) }
  if let failure = all.failures.first { throw Trial.Failure(description: failure) }
}
