import Model
import Platform
import PromQL
import Rules
import TSDB

/// `apus rules backfill`: blocks of what recording rules would have stored.
struct RuleBackfill: Sendable {
  var rules: PastRules
  var directory: String

  /// Time before now that is left out where no end is given: a server has that in its head, as promtool says.
  static let restMilliseconds: Int64 = 3 * 3_600_000

  init(_ words: TSDBWords, now: Int64) throws(ArgumentError) {
    guard let start = try PastRules.time("start", words) else {
      throw ArgumentError("apus rules backfill: --start is missing, the time from which samples are made")
    }
    let end = try PastRules.time("end", words) ?? now - RuleBackfill.restMilliseconds
    rules = try PastRules(words, start: start, end: end)
    directory = words.text("output-dir") ?? TSDBCommand.defaultDirectory
  }

  func run(_ output: CommandOutput) throws(TSDBCommandError) -> Int32 {
    let groups = try rules.groups(rules.files)
    let recordings = groups.flatMap { group in group.rules.filter { $0.alert == nil }.map { (group, $0) } }
    if recordings.isEmpty { throw .text("the files have no recording rules") }
    tellChains(recordings.map(\.1))
    let lock = try TSDBCommand.take(directory)
    defer { withExtendedLifetime(lock) {} }
    try TSDBCommand.pinFlushMark(directory)
    var samples = SampleImport(into: directory, on: LinuxDisk(), clock: SystemClock())
    var code: Int32 = 0
    do throws(TSDBCommandError) {
      for (group, rule) in recordings {
        var record = RecordedPast(rule, until: rules.end)
        do throws(RuleError) {
          try add(rule, of: group, &record, to: &samples)
          output.line(
            "group \(quoted(group.name)), \(rule.name): \(record.sampleCount) samples of \(record.seriesCount) series")
          if record.histogramCount > 0 {
            writeToStandardError(
              "apus rules backfill: \(rule.name): \(record.histogramCount) native histograms are left out")
          }
        } catch {
          code = 1
          output.flush()
          writeToStandardError("apus rules backfill: group \(quoted(group.name)), \(rule.name): \(error)")
        }
        output.flush()
      }
      // Blocks of some rules would be taken for those of all.
      if code != 0 { throw .text("a rule could not be evaluated; no blocks were made") }
      try RuleBackfill.store { () throws(BlockError) in try samples.flush() }
    } catch {
      for block in samples.blocks {
        try TSDBCommandError.disk { () throws(DiskError) in
          try LinuxDisk().removeTree(DiskPath.join(directory, "\(block.ulid)"))
        }
      }
      throw error
    }
    output.line(
      "\(samples.sampleCount) samples of \(samples.seriesCount) series in \(samples.blocks.count) blocks of \(directory)"
    )
    return code
  }

  private func add(
    _ rule: RuleDefinition, of group: RuleGroupDefinition, _ record: inout RecordedPast,
    to samples: inout SampleImport
  ) throws(RuleError) {
    let interval = group.intervalMilliseconds ?? rules.intervalMilliseconds
    record.step = interval
    do throws(TSDBCommandError) {
      try rules.query.run(rule.expression, from: rules.first(interval), through: rules.end, step: interval) {
        (_, _, series) throws(TSDBCommandError) in
        for made in try record.take(series, limit: group.limit) {
          for sample in made.samples {
            try RuleBackfill.store { () throws(BlockError) in
              try samples.add(made.labels, time: sample.time, value: sample.value)
            }
          }
        }
      }
      for end in record.ends() {
        try RuleBackfill.store { () throws(BlockError) in
          try samples.add(end.labels, time: end.time, value: StaleMarker.value)
        }
      }
    } catch {
      throw RuleError("\(error)")
    }
  }

  private static func store(_ body: () throws(BlockError) -> Void) throws(TSDBCommandError) {
    do throws(BlockError) { try body() } catch { throw .text("\(error)") }
  }

  /// Names rules that ask for what this run makes: the server does not have it yet.
  private func tellChains(_ rules: [RuleDefinition]) {
    for rule in rules {
      for other in rules where other.name != rule.name && rule.expression.contains(other.name) {
        writeToStandardError(
          "apus rules backfill: \(rule.name) asks for \(other.name), which this run makes: it sees what the server has; "
            + "import the blocks and run it again for the rest")
      }
    }
  }
}

/// The series that one recording rule makes over the past. Parts come in the order of time.
struct RecordedPast {
  private let rule: RuleDefinition
  private let end: Int64
  var step: Int64 = 0
  private var last: [Labels: Int64] = [:]
  private(set) var sampleCount = 0
  private(set) var histogramCount = 0

  var seriesCount: Int { last.count }

  init(_ rule: RuleDefinition, until end: Int64) {
    self.rule = rule
    self.end = end
  }

  struct Made {
    var labels: Labels
    var samples: [(time: Int64, value: Double)] = []
  }

  /// The samples to store of a part of the past, with a marker behind each that has no successor.
  mutating func take(_ series: [RangeQuery.Series], limit: Int) throws(TSDBCommandError) -> [Made] {
    var places: [Labels: Int] = [:]
    var all: [Made] = []
    for part in series {
      let labels = rule.seriesLabels(of: part.labels)
      let place = places[labels] ?? all.count
      if place == all.count {
        places[labels] = place
        all.append(Made(labels: labels))
      }
      for sample in part.samples {
        if case .float(let value) = sample.value {
          all[place].samples.append((sample.time, value))
        } else {
          histogramCount += 1
        }
      }
    }
    if limit > 0, let most = RecordedPast.most(all), most > limit {
      throw .text("exceeded limit of \(limit) with \(most) series")
    }
    for place in all.indices { try complete(&all[place]) }
    return all
  }

  private mutating func complete(_ made: inout Made) throws(TSDBCommandError) {
    made.samples.sort { $0.time < $1.time }
    var samples: [(time: Int64, value: Double)] = []
    samples.reserveCapacity(made.samples.count)
    for sample in made.samples {
      if let last = last[made.labels] {
        if last == sample.time {
          throw .text("vector contains metrics with the same labelset after applying rule labels")
        }
        if last + step < sample.time { samples.append((last + step, StaleMarker.value)) }
      }
      last[made.labels] = sample.time
      samples.append(sample)
      sampleCount += 1
    }
    made.samples = samples
  }

  /// The markers behind series that end before the past does.
  func ends() -> [(labels: Labels, time: Int64)] {
    last.filter { $0.value + step <= end }.map { ($0.key, $0.value + step) }
  }

  /// The most series at one time.
  private static func most(_ all: [Made]) -> Int? {
    var counts: [Int64: Int] = [:]
    for sample in all.lazy.flatMap(\.samples) { counts[sample.time, default: 0] += 1 }
    return counts.values.max()
  }
}
