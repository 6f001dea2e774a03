import Format
import Glibc
import Model
import Scrape

/// `apus check scrape`: what a scrape of a target would store, and which lines would fail.
struct CheckScrape: Equatable, Sendable {
  enum Format: String, CaseIterable, Sendable {
    case text, openmetrics, protobuf

    var contentType: String {
      switch self {
      case .text: "text/plain"
      case .openmetrics: "application/openmetrics-text"
      case .protobuf: "application/vnd.google.protobuf"
      }
    }
  }

  /// An address, a URL, a file, or `-` for standard input.
  var target: String
  var configFile: String?
  var job: String?
  /// The format of a file; of an answer its content type says it.
  var format: Format?
  var timeoutMilliseconds: Int64?

  /// A longer input is refused.
  static let inputBytesMax = 256 << 20

  init(target: String) { self.target = target }

  static let help = """
    usage: apus check scrape TARGET [--config=FILE [--job=JOB]] [--format=text|openmetrics] [--timeout=10s]

    Asks a target once as a scrape does, or reads a file, or standard input where TARGET is -, and prints the series that
    would be stored, behind relabelling and with the labels of the target. Stores nothing.

    TARGET is an address (host:port), a URL, a file that exists, or -. With --config and --job it is asked and
    relabelled as that job does: scheme, path, credentials, limits, relabel_configs and metric_relabel_configs. --format
    is the one of a file; without it a file that ends in # EOF is OpenMetrics, another the text format.

    Exit code 0: all of it would be stored; 1: standard error names each line that fails, and why. A scrape fails as a
    whole at the first such line, unless keep_valid is set. 2: the arguments or the configuration are wrong.
    """

  func run(environment: [String: String]) -> Int32 {
    let output = CommandOutput()
    defer { output.flush() }
    do throws(ArgumentError) {
      let options = try options(environment)
      return try isFile ? checkFile(options, output) : checkTarget(options, output)
    } catch {
      output.flush()
      writeToStandardError("apus check scrape: \(error)")
      return 2
    }
  }

  private func options(_ environment: [String: String]) throws(ArgumentError) -> ScrapeOptions {
    var options = ScrapeOptions()
    if let configFile {
      let scrapes = try CheckScrape.jobs(configFile, environment)
      options = try CheckScrape.find(job, in: scrapes)
    }
    if let timeoutMilliseconds {
      options.timeoutMilliseconds = timeoutMilliseconds
      options.intervalMilliseconds = max(options.intervalMilliseconds, timeoutMilliseconds)
    }
    return options
  }

  static func jobs(_ file: String, _ environment: [String: String]) throws(ArgumentError) -> [ScrapeOptions] {
    do throws(ConfigurationErrors) {
      return try ConfigurationFile.load(path: file, environment: environment).scrapes
    } catch {
      throw ArgumentError("the configuration cannot be read\n\(error)")
    }
  }

  /// The job of this name; without a name the only one.
  static func find(_ name: String?, in jobs: [ScrapeOptions]) throws(ArgumentError) -> ScrapeOptions {
    if name == nil, jobs.count == 1 { return jobs[0] }
    if let job = jobs.first(where: { $0.jobName == name }) { return job }
    let names = jobs.isEmpty ? "it has none" : jobs.map(\.jobName).joined(separator: ", ")
    throw ArgumentError(
      name.map { "job \($0) is not in the configuration: \(names)" } ?? "--job says which job: \(names)")
  }

  // MARK: Targets

  private var isURL: Bool { target.hasPrefix("http://") || target.hasPrefix("https://") }
  private var isFile: Bool { target == "-" || !isURL && access(target, F_OK) == 0 }

  private func checkTarget(_ options: ScrapeOptions, _ output: CommandOutput) throws(ArgumentError) -> Int32 {
    var options = options
    var labels: [(String, String)] = [("__address__", target)]
    if isURL {
      guard let address = TargetAddress(target) else { throw ArgumentError("\(target) is no URL of a target") }
      labels = [
        ("__address__", address.host), ("__scheme__", address.scheme), ("__metrics_path__", address.path),
      ]
      if let parameters = address.parameters { options.parameters = parameters }
    }
    if options.jobName.isEmpty { options.jobName = "check" }
    let probe: TargetProbe
    do throws(TargetProbe.Refusal) { probe = try TargetProbe(Labels(labels), of: options) } catch {
      throw ArgumentError("\(target): \(error)")
    }
    output.line("# \(probe.url) \(probe.labels)")
    switch probe.fetch(userAgent: Version.userAgent) {
    case .failure(let problem, _):
      output.flush()
      writeToStandardError("apus check scrape: \(problem)")
      return 1
    case .body(let body, let contentType):
      return try check(body, contentType: contentType, probe.options, probe.labels, output)
    }
  }

  // MARK: Files

  private func checkFile(_ options: ScrapeOptions, _ output: CommandOutput) throws(ArgumentError) -> Int32 {
    let body = try input()
    let format = format ?? (CheckScrape.endsAsOpenMetrics(body) ? .openmetrics : .text)
    return try check(body, contentType: format.contentType, options, .empty, output)
  }

  private func input() throws(ArgumentError) -> [UInt8] {
    do throws(InputFileError) {
      return try InputFile.bytes(target, bytesMax: CheckScrape.inputBytesMax, dashIsInput: true)
    } catch {
      throw ArgumentError("\(target): \(error)")
    }
  }

  private static func endsAsOpenMetrics(_ body: [UInt8]) -> Bool {
    String(decoding: body.suffix(6), as: UTF8.self).split(separator: "\n").last == "# EOF"
  }

  // MARK: Printing

  private func check(
    _ body: [UInt8], contentType: String?, _ options: ScrapeOptions, _ labels: Labels, _ output: CommandOutput
  ) throws(ArgumentError) -> Int32 {
    var check: ScrapeCheck
    do throws(RegexError) { check = try ScrapeCheck(options, target: labels) } catch {
      throw ArgumentError("metric_relabel_configs: \(error)")
    }
    check.read(body, contentType: contentType) { entry in
      switch entry {
      case .sample(let labels, let value, let time):
        output.append { bytes in
          bytes += Array(ExposedText.series(labels).utf8) + [UInt8(ascii: " ")]
          FloatText.append(value, plainFrom: -6, below: 21, to: &bytes)
          if let time { bytes += Array(" \(time)".utf8) }
        }
      case .histogram(let labels, let histogram, let time):
        output.append { bytes in
          bytes += Array((ExposedText.series(labels) + " ").utf8)
          ExposedText.append(histogram, to: &bytes)
          if let time { bytes += Array(" \(time)".utf8) }
        }
      case .type(let metric, let type): output.line("# TYPE \(metric) \(type)")
      case .help(let metric, let text): output.line("# HELP \(metric) \(ExposedText.escaped(text))")
      case .unit(let metric, let unit): output.line("# UNIT \(metric) \(unit)")
      case .dropped: break
      case .fault(let fault):
        output.flush()
        writeToStandardError("apus check scrape: \(fault)")
      }
    }
    let dropped = check.samplesScraped - check.samplesKept
    output.line(
      "# \(check.samplesScraped) samples: \(check.samplesKept) left by metric relabelling and limits, "
        + "\(dropped) not; \(check.faultCount) faults")
    return check.faultCount == 0 ? 0 : 1
  }
}

/// Series in the text format, with names in quotes where they need them.
enum ExposedText {
  static func series(_ labels: Labels) -> String {
    var parts: [String] = []
    var metric = ""
    for (name, value) in labels.pairs {
      if name == LabelName.metric {
        metric = value
      } else {
        parts.append("\(LabelName.isLegacy(name) ? name : quoted(name))=\(quoted(value))")
      }
    }
    if LabelName.isLegacyMetric(metric) {
      return parts.isEmpty ? metric : "\(metric){\(parts.joined(separator: ","))}"
    }
    return "{\(([quoted(metric)] + parts).joined(separator: ","))}"
  }

  /// Count, sum and the buckets that are not empty.
  static func append(_ histogram: Histogram, to bytes: inout [UInt8]) {
    func append(_ text: String, _ value: Double) {
      bytes += Array(text.utf8)
      FloatText.append(value, plainFrom: -4, below: 21, to: &bytes)
    }
    append("{count:", histogram.count)
    append(", sum:", histogram.sum)
    for bucket in histogram.allBuckets where bucket.count != 0 {
      append(bucket.includesLower ? ", [" : ", (", bucket.lower)
      append(",", bucket.upper)
      append(bucket.includesUpper ? "]:" : "):", bucket.count)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// A help text on one line.
  static func escaped(_ text: String) -> String { String(quoted(text).dropFirst().dropLast()) }
}
