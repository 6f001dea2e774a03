import Format
import Ingest
import Model
import Platform
import TSDB

/// The scrapes of one target, one after the other: from an answer to rows, from those to the database, and the markers of the
/// series that ended. It is also the source that the intake asks for the labels of rows.
///
/// An answer is read as a whole before anything of it is stored. Where it cannot be read, or is over a limit, nothing of it is,
/// and all series of the last scrape end. (Prometheus then marks only the ones before which the reading stopped.)
final class TargetRun {
  private let labels: Labels
  private let intake: Intake
  private let metrics: ScrapeSampleMetrics
  private let clock: any Clock
  private let families: TargetFamilies
  var reader: ScrapeReader
  /// The format of the present answer.
  var format = ScrapeFormat.text
  /// The Content-Type that `format` was chosen for; a target says the same each time.
  private var chosenFor: String?
  /// The spellings of the series about the scrape.
  private let facts: [KeyedHash128]
  private var hasScraped = false
  /// Texts and families at the last scrape that was stored.
  private var storedCount = 0
  /// Rows of the present delivery that were refused, by the hashes of their texts.
  var refused: [(hash: KeyedHash128, outcome: SampleOutcome?)] = []
  /// True if all rows are of known series or about the scrape: that a target is down is told in a full workspace, too.
  private(set) var isExempt = false
  /// Of a protobuf answer, while its rows are appended.
  var entries: NumberedEntries<MetricFamilyScanner>?
  /// The same of a text whose histograms are converted.
  var converted: NumberedEntries<ConvertingScanner>?
  /// Exemplars out of order, by row.
  var lateExemplars: [Int: Int] = [:]

  init(
    _ terms: ScrapeTerms, _ naming: SeriesNaming, labels: Labels, key: KeyedHash, _ families: TargetFamilies,
    _ intake: Intake, _ metrics: ScrapeSampleMetrics, _ clock: any Clock
  ) {
    reader = ScrapeReader(terms, naming, key: key)
    facts = ScrapeFact.allCases.map { $0.spelling.lend { key.hash128($0) } }
    self.labels = labels
    self.families = families
    self.intake = intake
    self.metrics = metrics
    self.clock = clock
  }

  deinit {
    // The key goes with the target. Series may live on under other spellings, and would keep these for as long.
    reader.seen.forEach { intake.forgetSpelling($0) }
    for hash in facts { intake.forgetSpelling(hash) }
  }

  func reconfigure(_ terms: ScrapeTerms) {
    reader.terms = terms
    chosenFor = nil
  }

  /// Bytes that the texts of the target take.
  var tableBytes: Int { reader.seen.byteCount }

  // MARK: One scrape

  func store(_ answer: ScrapeAnswer) -> ScrapeReport {
    reader.tally = ScrapeTally()
    hasScraped = true
    return intake.withRows { gathered in
      switch answer.content {
      case .failure(let text, let isTooLarge):
        reader.tally.fault = text
        return finish(answer, LentBytes(), bodyBytes: isTooLarge ? -1 : 0, gathered)
      case .body(let body, let contentType):
        return body.lend { bytes in
          if !bytes.isEmpty { read(bytes, contentType, answer.time, gathered) }
          return finish(answer, bytes, bodyBytes: bytes.count, gathered)
        }
      }
    }
  }

  var textFormat: ExpositionFormat { format == .openMetrics ? .openMetrics : .text }

  private func read(_ bytes: LentBytes, _ contentType: String?, _ time: Int64, _ gathered: ScrapedRows) {
    do throws(ScrapeFormatError) {
      if chosenFor == nil || chosenFor != contentType {
        chosenFor = nil
        format = try ScrapeFormat.choose(contentType: contentType, fallback: reader.terms.fallback)
        chosenFor = contentType
      }
    } catch {
      reader.tally.fault = error.message
      return
    }
    families.use { families in
      switch format {
      case .text, .openMetrics:
        if reader.terms.convertsClassicHistograms {
          reader.readConverting(bytes, textFormat, time: time, into: gathered, &families, metrics)
        } else {
          reader.read(bytes, textFormat, time: time, into: gathered, &families, metrics)
        }
      case .protobuf: reader.readProtobuf(bytes, time: time, into: gathered, &families, metrics)
      }
    }
    if reader.tally.isOverSamples {
      metrics.overSampleLimit.add()
      if !reader.terms.keepsValid { reader.tally.fault = reader.tally.fault ?? "sample limit exceeded" }
    }
    if reader.tally.isOverBuckets {
      metrics.overBucketLimit.add()
      if !reader.terms.keepsValid { reader.tally.fault = reader.tally.fault ?? "histogram bucket limit exceeded" }
    }
  }

  /// Stores what was read, the facts about it, and the markers.
  private func finish(
    _ answer: ScrapeAnswer, _ bytes: LentBytes, bodyBytes: Int, _ gathered: ScrapedRows
  ) -> ScrapeReport {
    var report = ScrapeReport()
    report.error = reader.tally.fault
    report.samplesScraped = reader.tally.total
    report.samplesPostRelabelling = reader.tally.added
    let isStored = report.error == nil
    if !isStored { gathered.rows.removeAll() }
    if isStored, !bytes.isEmpty { families.use { $0.tell(&gathered.rows, now: clock.nowMilliseconds()) } }
    // How many series are new shows when they are stored: then the facts come behind them.
    let hasFresh = isStored && !reader.tally.fresh.isEmpty
    if !hasFresh {
      if !isStored { report.seriesAdded = settleFresh() }
      addFacts(&report, answer, bodyBytes, &gathered.rows)
    }
    isExempt = !hasFresh
    var told = append(gathered, bytes)
    isExempt = true
    if hasFresh, told.isAvailable {
      report.seriesAdded = settleFresh()
      untrackRefused()
      gathered.rows.removeAll()
      addFacts(&report, answer, bodyBytes, &gathered.rows)
      told.warnings += append(gathered, bytes).warnings
    }
    untrackRefused()
    report.warning = (leftOut() + told.warnings).joined(separator: "; ")
    mark(at: answer.time, hasFailed: !isStored, gathered)
    end(isStored: isStored && !bytes.isEmpty)
    return report
  }

  /// Hands rows to the intake; returns what was not stored.
  private func append(_ gathered: ScrapedRows, _ bytes: LentBytes) -> (isAvailable: Bool, warnings: [String]) {
    refused.removeAll(keepingCapacity: true)
    // It refers to bytes that are lent for this answer only.
    defer {
      entries = nil
      converted = nil
    }
    switch intake.append(&gathered.rows, in: bytes, .scrape(self), from: { .target(labels) }).outcome {
    case .stored, .refusedReplica: break
    case .partly(let message): return (true, [message])
    case .malformed(let message), .tooLarge(let message), .limited(let message, _), .unavailable(let message, _):
      return (false, [message])
    }
    countLateExemplars(gathered.rows)
    return (true, [])
  }

  /// Number of texts that had a sample stored for the first time, or one for a series that had it already. From then on they are not pending.
  private func settleFresh() -> Int {
    var unstored = Set<Int>()
    // The second text of a series is new all the same.
    for one in refused where one.outcome != .conflict {
      if let place = reader.seen.find(one.hash) { unstored.insert(place) }
    }
    var added = 0
    for place in reader.tally.fresh where !unstored.contains(place) {
      reader.seen.clear(.pending, place)
      added += 1
    }
    return added
  }

  /// Counts what was refused; those texts have no sample of this scrape, and are owed no marker for it.
  private func untrackRefused() {
    for one in refused {
      switch one.outcome {
      case .conflict:
        metrics.duplicates.add()
        if isTwin(one.hash) { intake.forgetSpelling(one.hash) }
      case .outOfOrder: metrics.outOfOrder.add()
      case .outOfBounds, .tooOld, .tooFarInFuture: metrics.outOfBounds.add()
      default: break
      }
      if let place = reader.seen.find(one.hash) { reader.seen.untrack(place) }
    }
    refused.removeAll()
  }

  /// True if a refused sample had this scrape's time: then another text is of the same series. Forgotten, this one comes behind it
  /// at the next scrape, too: the first one counts.
  private func isTwin(_ hash: KeyedHash128) -> Bool {
    guard !reader.terms.tracksStalenessOfTimestamps, let place = reader.seen.find(hash) else { return false }
    return reader.seen.flags(place).contains(.tracked)
  }

  /// Counts exemplars out of order of rows all of whose exemplars are: others were exposed before.
  private func countLateExemplars(_ rows: borrowing WriteRequestRows) {
    if lateExemplars.isEmpty { return }
    var counts: [Int: Int] = [:]
    for place in 0..<rows.exemplars.count { counts[Int(rows.exemplars[place].row), default: 0] += 1 }
    for (row, late) in lateExemplars where counts[row] == late { metrics.lateExemplars.add(late) }
    lateExemplars.removeAll()
  }

  /// Tells of what the reader left out of a scrape that is stored.
  private func leftOut() -> [String] {
    let tally = reader.tally
    var warnings: [String] = []
    if tally.duplicates > 0 {
      metrics.duplicates.add(tally.duplicates)
      let message = "duplicate sample for timestamp: the series is more than once in the answer"
      intake.tell(
        leftOut: tally.duplicates, reason: SampleOutcome.conflict.reason, message, series: tally.firstDuplicate,
        from: .target(labels))
      warnings.append("\(message), series \(tally.firstDuplicate) (\(tally.duplicates) samples)")
    }
    if tally.leftOut > 0 {
      metrics.leftOut.add(tally.leftOut)
      intake.tell(
        leftOut: tally.leftOut, reason: "scrape-invalid", tally.firstLeftOut, series: "", from: .target(labels))
      warnings.append("left out: \(tally.firstLeftOut) (\(tally.leftOut) lines or samples)")
    }
    return warnings
  }

  private func end(isStored: Bool) {
    families.use { families in
      let count = reader.seen.count + families.list.count
      families.end(isStored: isStored)
      if isStored {
        storedCount = count
        reader.seen.endStored()
        return
      }
      // A target whose answers cannot be stored may have ever new series.
      if count > 2 * storedCount + 1000 {
        reader.seen.flush()
        metrics.forcedFlushes.add()
      }
      reader.seen.endFailed()
    }
  }

  // MARK: Facts and markers

  private func addFacts(
    _ report: inout ScrapeReport, _ answer: ScrapeAnswer, _ bodyBytes: Int, _ rows: inout WriteRequestRows
  ) {
    report.seconds = Double(clock.monotonicNanoseconds() - answer.startNanoseconds) / 1e9
    for fact in ScrapeFact.all(withExtra: reader.terms.storesExtraMetrics) {
      let value: Double =
        switch fact {
        case .up: report.error == nil ? 1 : 0
        case .seconds: report.seconds
        case .samplesScraped: Double(report.samplesScraped)
        case .samplesPostRelabelling: Double(report.samplesPostRelabelling)
        case .seriesAdded: Double(report.seriesAdded)
        case .timeoutSeconds: Double(reader.terms.timeoutMilliseconds) / 1000
        case .sampleLimit: Double(reader.terms.samplesMax)
        case .bodyBytes: Double(bodyBytes)
        }
      add(fact, answer.time, value.bitPattern, &rows)
    }
  }

  private func add(_ fact: ScrapeFact, _ time: Int64, _ bits: UInt64, _ rows: inout WriteRequestRows) {
    rows.appendRow(
      facts[fact.rawValue], at: fact.rawValue..<fact.rawValue, mark: TargetRun.factMark, time: time, bits: bits)
  }

  /// Ends the series that are owed a marker.
  private func mark(at time: Int64, hasFailed: Bool, _ gathered: ScrapedRows) {
    gathered.rows.removeAll()
    reader.seen.forEachEnded(hasFailed: hasFailed) { hash, flags in
      if flags.contains(.histogram) {
        gathered.rows.beginRow(hash, at: 0..<0)
        var stale = Histogram()
        stale.sum = StaleMarker.value
        gathered.rows.appendHistogram(
          HistogramMessage(time, stale, isFloat: flags.contains(.floatHistogram)))
      } else {
        gathered.rows.appendRow(hash, at: 0..<0, time: time, bits: StaleMarker.bits)
      }
    }
    appendMarkers(gathered)
  }

  private func appendMarkers(_ gathered: ScrapedRows) {
    if gathered.rows.rows.count > 0 { _ = intake.append(&gathered.rows, .markers) }
  }

  /// Ends all series of the target, and those about its scrapes.
  func end(at time: Int64) {
    if !hasScraped { return }
    intake.withRows { gathered in
      mark(at: time, hasFailed: true, gathered)
      gathered.rows.removeAll()
      for fact in ScrapeFact.all(withExtra: reader.terms.storesExtraMetrics) {
        add(fact, time, StaleMarker.bits, &gathered.rows)
      }
      appendMarkers(gathered)
    }
    reader.seen.endFailed()
  }
}
