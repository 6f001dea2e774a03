import Glibc
import TestKit

/// CPU of scraping: 500 targets of 1,000 series each, every 15 seconds. The targets live in this process; what is counted is
/// the processor time of those who scrape and store.
func runScrape(_ options: BenchOptions) throws {
  let shape = ScrapeShape(
    targets: options.targets ?? 500, series: options.series ?? 1000, intervalSeconds: options.intervalSeconds ?? 15,
    seconds: options.seconds ?? 150)
  let bodies = ScrapeBodies(series: shape.series, mix: options.mix, seed: options.seed)
  let farm = try TargetFarm(targets: shape.targets, bodies)
  var table = FigureTable(
    "scrape: \(shape.targets) targets x \(shape.series) series every \(shape.intervalSeconds) s for \(shape.seconds) s; "
      + "an answer has \(bodies.plainBytes) bytes, \(bodies.compressedBytes) compressed; seed \(options.seed)")
  for contender in ScrapeContender.chosen(options) {
    let figures = try ScrapeFigures(contender, shape, farm, options)
    let active = Double(shape.targets * shape.series)
    table.add(
      contender.rawValue,
      [
        ("CPU ns / sample", figures.cpuSeconds / figures.samples * 1e9, 0),
        ("of these in the kernel", figures.kernelSeconds / figures.samples * 1e9, 0),
        ("CPU microseconds / new series, the first round", figures.firstCPUSeconds / active * 1e6, 2),
        ("resident bytes / series, all processes", Double(figures.residentBytes) / active, 0),
        ("resident bytes / series, where the data is", Double(figures.storeResidentBytes) / active, 0),
        ("of these anonymous", Double(figures.storeAnonymousBytes) / active, 0),
        ("samples / due", figures.samples / shape.samplesDue, 3),
        ("wall seconds", figures.wallSeconds, 1),
        ("CPU seconds of the targets", figures.farmCPUSeconds, 2),
      ])
  }
  print(table.text)
}

/// How much is scraped how often. A plain value.
struct ScrapeShape {
  var targets: Int
  var series: Int
  var intervalSeconds: Int
  /// What is measured of each contender, behind the first scrape of all targets.
  var seconds: Int

  var samplesDue: Double { Double(targets * series) * Double(seconds) / Double(intervalSeconds) }

  /// What all contenders read.
  func configuration(_ addresses: [String]) -> String {
    """
    global:
      scrape_interval: \(intervalSeconds)s
      scrape_timeout: \(min(10, intervalSeconds))s
    scrape_configs:
      - job_name: farm
        static_configs:
          - targets: [\(addresses.joined(separator: ", "))]

    """
  }
}

/// What scraping costs. A plain value.
struct ScrapeFigures {
  var cpuSeconds = 0.0
  var kernelSeconds = 0.0
  var firstCPUSeconds = 0.0
  var samples = 0.0
  var wallSeconds = 0.0
  var residentBytes = 0
  var storeResidentBytes = 0
  var storeAnonymousBytes = 0
  var farmCPUSeconds = 0.0

  /// Waits until all targets were scraped and what was put off has come; then counts.
  init(_ contender: ScrapeContender, _ shape: ScrapeShape, _ farm: TargetFarm, _ options: BenchOptions) throws {
    try Interruption.check()
    report("\(contender.rawValue): scraping \(shape.targets) targets")
    let directory = try TemporaryDirectory("apus-bench-scrape", in: BenchFolder.path(options))
    farm.reset()
    let file = try directory.write(shape.configuration(farm.addresses), to: "scrape.yml")
    let processes = try contender.start(file, options, in: directory)
    defer { for process in processes.reversed() { _ = process.child.terminate(within: .seconds(60)) } }
    let clocks = try processes.map { try ProcessClock($0) }
    let patience = Duration.seconds(shape.intervalSeconds * 3 + 60)
    guard eventually(within: patience, { farm.answers.least > 0 }) else {
      throw Trial.Failure(description: "\(contender.rawValue) has not scraped all targets within \(patience)")
    }
    sleepThread(.seconds(2))
    firstCPUSeconds = clocks.reduce(0) { $0 + $1.seconds }

    let kernel = try Self.usage(processes).reduce(0) { $0 + $1.systemSeconds }
    let (start, answers, own) = (ContinuousClock.now, farm.answers.all, Self.ownCPUSeconds)
    sleepThread(.seconds(Double(shape.seconds)))
    cpuSeconds = clocks.reduce(0) { $0 + $1.seconds } - firstCPUSeconds
    samples = Double((farm.answers.all - answers) * shape.series)
    wallSeconds = (ContinuousClock.now - start).inSeconds
    farmCPUSeconds = Self.ownCPUSeconds - own
    let usage = try Self.usage(processes)
    kernelSeconds = usage.reduce(0) { $0 + $1.systemSeconds } - kernel
    residentBytes = usage.reduce(0) { $0 + $1.residentBytes }
    storeResidentBytes = usage[0].residentBytes
    storeAnonymousBytes = usage[0].anonymousBytes
    try Self.check(contender, processes[0], shape)
  }

  /// A server that drops what it scraped is fast.
  private static func check(_ contender: ScrapeContender, _ server: ServerProcess, _ shape: ScrapeShape) throws {
    // What was written a moment ago is hidden by VictoriaMetrics.
    for (query, expected) in [
      ("sum(last_over_time(up{job=\"farm\"}[5m]))", shape.targets),
      ("sum(last_over_time(scrape_samples_scraped{job=\"farm\"}[5m]))", shape.targets * shape.series),
      ("count(last_over_time({job=\"farm\",handler!=\"\"}[5m]))", shape.targets * shape.series),
    ] {
      var found = 0.0
      let isThere = try eventually(within: .seconds(60), every: .seconds(1)) {
        let answer = try server.query(query, at: nowMilliseconds())
        found = answer.series.first?.points.first?.value ?? 0
        return found == Double(expected)
      }
      guard isThere else {
        throw Trial.Failure(description: "\(contender.rawValue): \(query) is \(found), not \(expected)")
      }
    }
  }

  private static func usage(_ processes: [ServerProcess]) throws -> [ProcessUsage] {
    try processes.map { process in
      guard let usage = process.child.usage else {
        let output = process.child.standardError.complete().suffix(2000)
        throw Trial.Failure(description: "\(process.child.program) ended: \(output)")
      }
      return usage
    }
  }

  private static var ownCPUSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
