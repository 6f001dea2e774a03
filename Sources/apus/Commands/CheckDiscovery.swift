import Discovery
import Format
import Model
import Platform
import Scrape
import Synchronization

/// `apus check sd`: the targets that a job's discoveries find, before and behind relabelling.
struct CheckDiscovery: Equatable, Sendable {
  var job: String
  var configFile: String
  /// How long discoveries may take.
  var timeoutMilliseconds: Int64 = 30_000

  init(job: String, configFile: String) {
    self.job = job
    self.configFile = configFile
  }

  static let help = """
    usage: apus check sd JOB --config=FILE [--timeout=30s]

    Runs the discoveries of a job and prints the targets as JSON: discoveredLabels, the labels behind relabel_configs
    (none where they drop the target), and error where the target would not be scraped. It waits for --timeout as promtool
    does, since a discovery may find more; a job whose targets stand in the file alone is answered at once. What discoveries
    have to say goes to standard error.

    Exit code 0: done, 1: nothing was found in time, 2: the arguments or the configuration are wrong.
    """

  func run(environment: [String: String]) -> Int32 {
    do throws(ArgumentError) {
      let options = try CheckScrape.find(job, in: try CheckScrape.jobs(configFile, environment))
      let relabelling: Relabelling
      do throws(RegexError) { relabelling = try Relabelling(options.relabelling) } catch {
        throw ArgumentError("relabel_configs: \(error)")
      }
      let groups = discover(options.discoveries, environment)
      let output = CommandOutput()
      output.line(CheckDiscovery.json(of: groups, options, relabelling))
      output.flush()
      if groups.allSatisfy({ $0.targets.isEmpty }) {
        writeToStandardError(
          "apus check sd: no target was found within \(DurationText.format(timeoutMilliseconds))")
        return 1
      }
      return 0
    } catch {
      writeToStandardError("apus check sd: \(error)")
      return 2
    }
  }

  /// The groups that the discoveries have found by the end of the time.
  private func discover(_ discoveries: [DiscoveryOptions], _ environment: [String: String]) -> [TargetGroup] {
    let clock = SystemClock()
    let found = Monitor<[TargetGroup]?>(nil)
    let surroundings = DiscoverySurroundings(
      clock: clock, log: Log(level: .warn),
      registry: MetricsRegistry(), userAgent: Version.userAgent, environment: environment)
    let set = DiscoverySet(name: "scrape", surroundings) { groups in
      found.withLock { $0 = groups.values.flatMap { $0 } }
      found.wakeAll()
    }
    set.apply([(name: job, discoveries: discoveries)])
    let isFixed = discoveries.allSatisfy { if case .fixed = $0 { true } else { false } }
    let deadline = Deadline(milliseconds: timeoutMilliseconds, of: clock)
    // Targets that the file names are there at once; all others may become more for as long as there is time.
    let groups = found.wait(until: deadline) { groups in isFixed ? groups : nil } ?? found.withLock { $0 }
    set.stop()
    return groups ?? []
  }

  // MARK: Printing

  /// The targets as promtool prints them, each once.
  static func json(of groups: [TargetGroup], _ options: ScrapeOptions, _ relabelling: Relabelling) -> String {
    var seen: Set<String> = []
    var entries: [String] = []
    for group in groups.sorted(by: { $0.source < $1.source }) {
      for target in group.targets {
        let entry = entry(TargetLabels.make(target, of: group, options, relabelling))
        if seen.insert(entry).inserted { entries.append(entry) }
      }
    }
    return entries.isEmpty ? "[]" : "[\n" + entries.joined(separator: ",\n") + "\n]"
  }

  private static func entry(_ outcome: TargetLabels.Outcome) -> String {
    var fields: [String] = []
    func add(_ name: String, _ labels: Labels) {
      let pairs = labels.pairs.map { "      \(JSONBuffer.quoted($0.name)): \(JSONBuffer.quoted($0.value))" }
      fields.append("    \"\(name)\": " + (pairs.isEmpty ? "{}" : "{\n" + pairs.joined(separator: ",\n") + "\n    }"))
    }
    switch outcome {
    case .target(let discovered, let labels):
      add("discoveredLabels", discovered)
      add("labels", labels)
    case .dropped(let discovered):
      add("discoveredLabels", discovered)
      add("labels", .empty)
    case .fault(let discovered, let problem):
      add("discoveredLabels", discovered)
      add("labels", .empty)
      fields.append("    \"error\": \(JSONBuffer.quoted(problem))")
    }
    return "  {\n" + fields.joined(separator: ",\n") + "\n  }"
  }
}
