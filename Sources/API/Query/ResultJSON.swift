import Format
import HTTP
import Model
import PromQL
import Query

/// A query's answer as Prometheus's API has it, written in pieces so that a large one is never in memory twice. Used by
/// one thread at a time.
final class ResultJSON {
  /// The memory of a series, about, besides its labels and samples.
  private static let seriesBytes = 192
  /// Bytes that a native histogram takes, about.
  private static let histogramBytes = 512

  private let result: QueryResult
  private let tellsStatistics: Bool
  private var hasBegun = false
  /// The next element of the result, and the next native histogram of it where it has been begun.
  private var nextIndex = 0
  private var nextHistogram: Int?
  private var json = JSONBuffer()

  init(result: QueryResult, tellsStatistics: Bool = false) {
    self.result = result
    self.tellsStatistics = tellsStatistics
  }

  /// The memory of the result, about.
  var heldBytes: Int {
    switch result.value {
    case .scalar: 0
    case .string(_, let text): text.utf8.count
    case .vector(let samples):
      samples.reduce(0) { total, sample in
        var bytes = ResultJSON.seriesBytes + sample.labels.packed.count
        if case .histogram = sample.value { bytes += ResultJSON.histogramBytes }
        return total + bytes
      }
    case .matrix(let series):
      series.reduce(0) { total, one in
        total + ResultJSON.seriesBytes + one.labels.packed.count + one.samples.timestamps.count * 16
          + one.samples.histograms.count * ResultJSON.histogramBytes
      }
    }
  }

  func next(_ writer: ResponseWriter) throws(StreamError) -> PieceOutcome {
    if !hasBegun {
      hasBegun = true
      begin()
    }
    var hasMore = true
    while hasMore && json.bytes.count < JSONAnswer.pieceBytes { hasMore = addElement() }
    if !hasMore { end() }
    try writer.write(json.bytes)
    json.removeAll()
    return hasMore ? .more : .last
  }

  private func begin() {
    json.raw("{\"status\":\"success\",\"data\":{\"resultType\":\"")
    switch result.value {
    case .scalar(let time, let value):
      json.raw("scalar\",\"result\":[")
      json.seconds(time)
      json.raw(",")
      json.plainValue(value)
    case .string(let time, let text):
      json.raw("string\",\"result\":[")
      json.seconds(time)
      json.raw(",")
      json.pageString(text)
    case .vector: json.raw("vector\",\"result\":[")
    case .matrix: json.raw("matrix\",\"result\":[")
    }
  }

  /// Writes the next element of the result; false when there is none.
  private func addElement() -> Bool {
    switch result.value {
    case .scalar, .string: return false
    case .vector(let samples):
      guard nextIndex < samples.count else { return false }
      if nextIndex > 0 { json.raw(",") }
      vector(samples[nextIndex])
      nextIndex += 1
    case .matrix(let series):
      if let place = nextHistogram {
        histograms(of: series[nextIndex], from: place)
      } else {
        guard nextIndex < series.count else { return false }
        if nextIndex > 0 { json.raw(",") }
        matrix(series[nextIndex])
      }
      if nextHistogram == nil { nextIndex += 1 }
    }
    return true
  }

  private func end() {
    json.raw("]")
    if tellsStatistics { StatisticsJSON(statistics: result.statistics).write(to: &json) }
    json.raw("}")
    notes("warnings", result.warnings)
    notes("infos", result.infos)
    json.raw("}")
  }

  private func vector(_ sample: VectorSample) {
    json.raw("{\"metric\":")
    json.labels(sample.labels)
    switch sample.value {
    case .float(let value):
      json.raw(",\"value\":")
      ResultJSON.sample(sample.timestamp, value, &json)
    case .histogram(let histogram):
      json.raw(",\"histogram\":[")
      json.timestamp(sample.timestamp)
      json.raw(",")
      HistogramJSON.write(histogram, &json)
      json.raw("]")
    }
    json.raw("}")
  }

  private func matrix(_ series: MatrixSeries) {
    json.raw("{\"metric\":")
    json.labels(series.labels)
    let samples = series.samples
    if !samples.timestamps.isEmpty {
      json.raw(",\"values\":")
      json.floats(samples)
    }
    if samples.histogramTimestamps.isEmpty { return json.raw("}") }
    json.raw(",\"histograms\":[")
    histograms(of: series, from: 0)
  }

  /// Native histograms are large: a piece may end after any of them.
  private func histograms(of series: MatrixSeries, from first: Int) {
    let samples = series.samples
    for index in first..<samples.histogramTimestamps.count {
      if json.bytes.count >= JSONAnswer.pieceBytes {
        nextHistogram = index
        return
      }
      if index > 0 { json.raw(",") }
      json.raw("[")
      json.timestamp(samples.histogramTimestamps[index])
      json.raw(",")
      HistogramJSON.write(samples.histograms[index], &json)
      json.raw("]")
    }
    nextHistogram = nil
    json.raw("]}")
  }

  private static func sample(_ time: Int64, _ value: Double, _ json: inout JSONBuffer) {
    json.raw("[")
    json.timestamp(time)
    json.raw(",")
    json.value(value)
    json.raw("]")
  }

  private func notes(_ name: String, _ texts: [String]) {
    if texts.isEmpty { return }
    json.raw(",\"\(name)\":[")
    for (index, text) in texts.enumerated() {
      if index > 0 { json.raw(",") }
      json.pageString(text)
    }
    json.raw("]")
  }
}
