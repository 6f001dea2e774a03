import Format
import Ingest
import Model

/// Reads the answers of one target into rows: each sample's text is looked up among those of the last scrapes, so that the row of
/// a known one is its hash and its value. The labels of a new one are read, changed and checked here. One thread at a time.
struct ScrapeReader: ~Copyable {
  /// Samples of one scrape. Its rows are in memory as a whole before any is stored, some 80 bytes each.
  static let samplesMax = 4_000_000

  var terms: ScrapeTerms
  /// The key of the target's spellings, its own: nobody who exposes texts can choose any that collide.
  let key: KeyedHash
  var seen = SeenSeries()
  var naming: SeriesNaming
  var tally = ScrapeTally()
  /// The place of the text that the last row is of.
  private var present = 0

  init(_ terms: ScrapeTerms, _ naming: SeriesNaming, key: KeyedHash) {
    self.terms = terms
    self.naming = naming
    self.key = key
  }

  /// A sample of the answer, on its way into a row.
  struct Sample {
    var hash: KeyedHash128
    /// The place of its text in the answer, and what its labels are read with.
    var place: Range<Int>
    var mark: UInt8
    var time: Int64
    var hasTime: Bool
    var bits: UInt64
  }

  /// The fate of a sample.
  enum Fate {
    /// Its row is the last one.
    case row
    /// There is no row, and nothing more to do.
    case done
    /// Its text is new: its labels are to be read.
    case new
  }

  // MARK: Samples

  /// The row of a sample whose text is known. `text` names it where it is there twice.
  @inline(__always)
  mutating func take(_ sample: Sample, into rows: inout WriteRequestRows, _ text: () -> String) -> Fate {
    guard let place = seen.find(sample.hash) else { return .new }
    let flags = seen.flags(place)
    if flags.contains(.dropped) {
      seen.see(place, isTracked: false)
      return .done
    }
    tally.added &+= 1
    if seen.isSeen(place), !sample.hasTime {
      // As in Prometheus the first one counts, even if both are equal.
      tally.noteDuplicate(text)
      return .done
    }
    // A known series may always end.
    guard StaleMarker.bits == sample.bits || count(sample, text) else {
      seen.see(place, isTracked: false)
      return .done
    }
    seen.see(place, isTracked: !sample.hasTime || terms.tracksStalenessOfTimestamps)
    if flags.contains(.pending) { tally.fresh.append(place) }
    present = place
    rows.beginRow(sample.hash, at: sample.place, mark: sample.mark)
    return .row
  }

  /// The row of a sample whose text is new, with the labels that `naming` has been given.
  mutating func takeNew(
    _ sample: Sample, _ scratch: inout ByteBuffer, into rows: inout WriteRequestRows,
    _ metrics: ScrapeSampleMetrics, _ text: () -> String
  ) -> Fate {
    scratch.removeAll()
    switch naming.name(into: &scratch) {
    case .dropped:
      _ = seen.insert(sample.hash, .dropped)
      return .done
    case .fault(let fault):
      refuse(fault, text)
      return .done
    case .overLimit(let fault):
      metrics.overLabelLimits.add()
      refuse(fault, text)
      return .done
    case .kept: break
    }
    tally.added += 1
    // What is over the limit is not remembered: it is owed no marker.
    guard count(sample, text) else { return .done }
    let isTracked = !sample.hasTime || terms.tracksStalenessOfTimestamps
    present = seen.insert(sample.hash, isTracked ? .pending | .tracked : .pending)
    tally.fresh.append(present)
    rows.beginRow(sample.hash, fields: scratch.lent)
    return .row
  }

  /// Counts a sample against the limits; false where it is over one.
  @inline(__always)
  private mutating func count(_ sample: Sample, _ text: () -> String) -> Bool {
    tally.counted &+= 1
    let isOver = terms.samplesMax > 0 && tally.counted > terms.samplesMax
    if !isOver, tally.counted <= ScrapeReader.samplesMax { return true }
    return noteOver(isOver, text)
  }

  private mutating func noteOver(_ isOverSamples: Bool, _ text: () -> String) -> Bool {
    if isOverSamples {
      // Reading goes on, to say how many samples there are.
      tally.isOverSamples = true
      if terms.keepsValid { tally.noteLeftOut { "sample limit exceeded, series " + text() } }
    } else {
      refuse("more than \(ScrapeReader.samplesMax) samples in one scrape", text)
    }
    return false
  }

  /// Fails the scrape, or leaves out what is at fault.
  mutating func refuse(_ fault: String, _ text: () -> String) {
    if terms.keepsValid {
      tally.noteLeftOut { "\(fault), series " + text() }
    } else if tally.fault == nil {
      tally.fault = fault
    }
  }

  /// Hands exposed labels to `naming`.
  mutating func setNames(_ labels: borrowing ExpositionLabels) {
    naming.begin()
    for index in 0..<labels.count { naming.add(labels.name(index), labels.value(index)) }
  }

  /// Appends the label fields of a known series once more.
  mutating func appendFields(_ labels: borrowing ExpositionLabels, to output: inout ByteBuffer) {
    setNames(labels)
    _ = naming.name(isChecked: true, into: &output)
  }

  /// Most bytes of a series that a warning tells.
  private static let namedBytesMax = 300

  static func excerpt(_ text: LentBytes) -> String {
    String(decoding: text.prefix(namedBytesMax), as: UTF8.self) + (text.count > namedBytesMax ? "…" : "")
  }

  static func excerpt(_ text: String) -> String { text.lend { excerpt($0) } }

  // MARK: Histograms

  /// A native histogram as it is stored; nil where it is not: then it is counted here.
  mutating func fit(_ message: HistogramMessage, _ sample: Sample, _ text: () -> String) -> HistogramMessage? {
    let place = seen.find(sample.hash)
    // Whoever drops it does not mind its buckets; twice it is refused for that.
    if let place, seen.flags(place).contains(.dropped) || seen.isSeen(place) && !sample.hasTime { return message }
    if let fault = HistogramValidation.fault(message.histogram, isFloat: message.isFloat) {
      tally.total += 1
      refuse(fault, text)
      return nil
    }
    guard let histogram = fit(message.histogram) else {
      tally.total += 1
      tally.added += 1
      // Reading goes on, to say how many samples there are.
      tally.isOverBuckets = true
      if terms.keepsValid { tally.noteLeftOut { "histogram bucket limit exceeded, series " + text() } }
      if let place { seen.see(place, isTracked: false) }
      return nil
    }
    return HistogramMessage(sample.time, histogram, isFloat: message.isFloat)
  }

  /// In a schema that the limits allow; nil where there is none.
  private func fit(_ histogram: Histogram) -> Histogram? {
    var fitting = histogram
    if !histogram.isCustom, histogram.schema > terms.schemaMax { fitting = histogram.reduced(to: terms.schemaMax) }
    if terms.bucketsMax == 0 { return fitting }
    while fitting.positiveBuckets.count + fitting.negativeBuckets.count > terms.bucketsMax {
      if fitting.isCustom || fitting.schema <= Histogram.schemaMinimum { return nil }
      fitting = fitting.reduced(to: fitting.schema - 1)
    }
    return fitting
  }

  /// Gives the last row a histogram, and notes that its series has them.
  mutating func add(_ message: HistogramMessage, at time: Int64, _ rows: inout WriteRequestRows) {
    rows.appendHistogram(HistogramMessage(time, message.histogram, isFloat: message.isFloat))
    seen.clear(.floatHistogram, present)
    seen.set(message.isFloat ? .histogram | .floatHistogram : .histogram, present)
  }
}
