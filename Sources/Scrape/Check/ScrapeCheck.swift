import Format
import Model

/// Reads the answer of a target as a scrape does and tells of each entry what would be stored, or why it would not be;
/// stores nothing. Unlike a scrape it goes on behind a line that is at fault. One answer's; one thread's.
package struct ScrapeCheck: ~Copyable {
  package enum Entry: Equatable, Sendable {
    /// A sample and the labels that it would be stored with.
    case sample(Labels, value: Double, time: Int64?)
    case histogram(Labels, Histogram, time: Int64?)
    case type(metric: String, String)
    case help(metric: String, String)
    case unit(metric: String, String)
    /// A sample that metric relabelling drops.
    case dropped
    /// A line that a scrape fails at, or a sample that it does not store.
    case fault(Fault)
  }

  package struct Fault: Equatable, Sendable, CustomStringConvertible {
    /// From 1; 0: the answer as a whole.
    package var line: Int
    /// The beginning of the line.
    package var text: String
    package var problem: String

    package var description: String {
      if line == 0 { return text.isEmpty ? problem : "\(text): \(problem)" }
      return text.isEmpty ? "line \(line): \(problem)" : "line \(line): \(problem)\n  \(text)"
    }
  }

  /// Samples read, those that relabelling left, and faults.
  package private(set) var samplesScraped = 0
  package private(set) var samplesKept = 0
  package private(set) var faultCount = 0

  private let options: ScrapeOptions
  private var naming: SeriesNaming
  private var labels = ExpositionLabels()
  private var fields = ByteBuffer(capacity: 1024)
  /// The series without a time of their own, to notice one that is there twice.
  private var seen: Set<Labels> = []

  /// `target`: the labels that series get.
  package init(_ options: ScrapeOptions, target: Labels) throws(RegexError) {
    self.options = options
    naming = SeriesNaming(options, target: target, try Relabelling(options.metricRelabelling))
  }

  /// Reads a body; `tell` gets every entry in order.
  package mutating func read(_ body: [UInt8], contentType: String?, _ tell: (Entry) -> Void) {
    if options.bodyBytesMax > 0, body.count >= options.bodyBytesMax {
      fault(Fault(line: 0, text: "", problem: "body size limit exceeded"), tell)
    }
    // As in a scrape: an empty body has no type.
    if body.isEmpty { return }
    let format: ScrapeFormat
    do throws(ScrapeFormatError) {
      format = try ScrapeFormat.choose(contentType: contentType, fallback: options.fallbackProtocol)
    } catch {
      return fault(Fault(line: 0, text: "", problem: error.message), tell)
    }
    switch format {
    case .text, .openMetrics:
      let exposition: ExpositionFormat = format == .text ? .text : .openMetrics
      if options.convertsClassicHistograms {
        readConverted(body, exposition, tell)
      } else {
        readText(body, exposition, tell)
      }
    case .protobuf: readProtobuf(body, tell)
    }
    if options.samplesMax > 0, samplesKept > options.samplesMax {
      fault(
        Fault(
          line: 0, text: "",
          problem: "sample limit exceeded (number of samples: \(samplesKept), limit: \(options.samplesMax))"), tell)
    }
  }

  private mutating func readText(_ body: [UInt8], _ format: ExpositionFormat, _ tell: (Entry) -> Void) {
    body.lend { bytes in
      var scanner = ExpositionScanner(bytes, format)
      while true {
        do throws(ExpositionError) {
          let entry = try scanner.next()
          if entry == .end { return }
          if entry == .series { try scanner.readLabels(&labels) }
          let line = scanner.line()
          take(entry, at: line, of: scanner, tell)
        } catch {
          fault(Fault(line: error.line, text: scanner.lineText(), problem: error.problem), tell)
          scanner.skipLine()
        }
      }
    }
  }

  /// The series of classic histograms, which come as native ones.
  private mutating func readConverted(_ body: [UInt8], _ format: ExpositionFormat, _ tell: (Entry) -> Void) {
    body.lend { bytes in
      var converting = ConvertingScanner(bytes, format, keepsClassic: options.alwaysStoresClassicHistograms)
      while true {
        do throws(ExpositionError) {
          let entry = try converting.next()
          if entry == .end { return }
          if entry == .series || entry == .histogram { try converting.readLabels(&labels) }
          if entry == .histogram {
            takeHistogram(converting.histogram, converting.time, Fault(line: 0, text: "", problem: ""), tell)
          } else {
            let line = converting.line()
            take(entry, at: line, of: converting.scanner, tell)
          }
        } catch {
          fault(Fault(line: error.line, text: converting.scanner.lineText(), problem: error.problem), tell)
          converting.skipLine()
        }
      }
    }
  }

  private mutating func take(
    _ entry: ExpositionScanner.Entry, at line: Int, of scanner: borrowing ExpositionScanner, _ tell: (Entry) -> Void
  ) {
    let metric = String(decoding: scanner.bytes.part(scanner.metric), as: UTF8.self)
    switch entry {
    case .type: tell(.type(metric: metric, scanner.kind.text))
    case .help: tell(.help(metric: metric, scanner.helpText()))
    case .unit: tell(.unit(metric: metric, String(decoding: scanner.bytes.part(scanner.text), as: UTF8.self)))
    case .series:
      let place = Fault(line: line, text: scanner.lineText(), problem: "")
      takeSample(scanner.value, scanner.time, place, tell)
    case .comment, .end, .histogram: break
    }
  }

  private mutating func readProtobuf(_ body: [UInt8], _ tell: (Entry) -> Void) {
    let choice = HistogramChoice(
      storesNative: options.storesNativeHistograms, alwaysStoresClassic: options.alwaysStoresClassicHistograms,
      convertsClassic: options.convertsClassicHistograms)
    body.lend { bytes in
      var scanner = MetricFamilyScanner(bytes, choice, key: KeyedHash(key: (0, 0)))
      func text(_ bytes: LentBytes) -> String { String(decoding: bytes, as: UTF8.self) }
      do throws(ExpositionError) {
        while true {
          switch try scanner.next() {
          case .end: return
          case .help: tell(.help(metric: text(scanner.family), text(scanner.help)))
          case .unit: tell(.unit(metric: text(scanner.family), text(scanner.unit)))
          case .type: tell(.type(metric: text(scanner.family), scanner.kind.text))
          case .series:
            try scanner.readLabels(&labels)
            takeSample(scanner.value, scanner.time, Fault(line: 0, text: text(scanner.family), problem: ""), tell)
          case .histogram:
            try scanner.readLabels(&labels)
            takeHistogram(
              scanner.histogram, scanner.time, Fault(line: 0, text: text(scanner.family), problem: ""), tell)
          case .comment: break
          }
        }
      } catch {
        // Nothing says where the next family would begin.
        fault(Fault(line: 0, text: text(scanner.family), problem: error.problem), tell)
      }
    }
  }

  // MARK: Samples

  private mutating func takeSample(_ value: Double, _ time: Int64?, _ place: Fault, _ tell: (Entry) -> Void) {
    let time = options.honorsTimestamps ? time : nil
    switch verdict(time) {
    case .stored(let labels): tell(.sample(labels, value: value, time: time))
    case .dropped: tell(.dropped)
    case .fault(let problem): fault(place, problem, tell)
    }
  }

  private mutating func takeHistogram(
    _ message: HistogramMessage, _ time: Int64?, _ place: Fault, _ tell: (Entry) -> Void
  ) {
    let time = options.honorsTimestamps ? time : nil
    switch verdict(time) {
    case .stored(let labels): tell(.histogram(labels, message.histogram, time: time))
    case .dropped: tell(.dropped)
    case .fault(let problem): fault(place, problem, tell)
    }
  }

  private mutating func fault(_ place: Fault, _ problem: String, _ tell: (Entry) -> Void) {
    var fault = place
    fault.problem = problem
    self.fault(fault, tell)
  }

  private enum Verdict {
    case stored(Labels)
    case dropped
    case fault(String)
  }

  /// What becomes of the series whose exposed labels were read.
  private mutating func verdict(_ time: Int64?) -> Verdict {
    samplesScraped += 1
    naming.begin()
    for index in 0..<labels.count { naming.add(labels.name(index), labels.value(index)) }
    fields.removeAll()
    switch naming.name(into: &fields) {
    case .dropped: return .dropped
    case .fault(let problem), .overLimit(let problem): return .fault(problem)
    case .kept: break
    }
    samplesKept += 1
    var parsed = LabelFields()
    guard parsed.parse(fields.lent) else { return .fault("labels that cannot be stored") }
    var pairs: [(name: String, value: String)] = []
    for index in 0..<parsed.fields.count {
      let name = String(decoding: parsed.name(index, in: fields.lent), as: UTF8.self)
      pairs.append((name, String(decoding: parsed.value(index, in: fields.lent), as: UTF8.self)))
    }
    let labels = Labels(pairs)
    if time == nil, !seen.insert(labels).inserted {
      return .fault("the same series a second time: its first value is stored, this one is not")
    }
    return .stored(labels)
  }

  private mutating func fault(_ fault: Fault, _ tell: (Entry) -> Void) {
    faultCount += 1
    tell(.fault(fault))
  }
}

extension MetricFamilyKind {
  /// The word that a TYPE line of OpenMetrics has.
  fileprivate var text: String { self == .gaugeHistogram ? "gaugehistogram" : "\(self)" }
}
