import Format
import HTTP
import Model
import PromQL

/// A query's answer as Prometheus's API has it, written in pieces so that a large one is never in memory twice.
struct ResultJSON {
  /// Bytes gathered before they are handed on.
  private static let pieceBytes = 64 << 10

  let result: QueryResult
  var tellsStatistics = false

  func write(to writer: ResponseWriter) throws(StreamFailure) {
    var json = JSONBuffer()
    json.raw("{\"status\":\"success\",\"data\":{\"resultType\":\"")
    switch result.value {
    case .scalar(let time, let value):
      json.raw("scalar\",\"result\":[")
      json.seconds(time)
      json.raw(",")
      json.plainValue(value)
      json.raw("]")
    case .string(let time, let text):
      json.raw("string\",\"result\":[")
      json.seconds(time)
      json.raw(",")
      json.pageString(text)
      json.raw("]")
    case .vector(let samples):
      json.raw("vector\",\"result\":[")
      for (index, sample) in samples.enumerated() {
        if index > 0 { json.raw(",") }
        vector(sample, &json)
        try flush(&json, to: writer, above: ResultJSON.pieceBytes)
      }
      json.raw("]")
    case .matrix(let series):
      json.raw("matrix\",\"result\":[")
      for (index, one) in series.enumerated() {
        if index > 0 { json.raw(",") }
        matrix(one, &json)
        try flush(&json, to: writer, above: ResultJSON.pieceBytes)
      }
      json.raw("]")
    }
    if tellsStatistics { StatisticsJSON(statistics: result.statistics).write(to: &json) }
    json.raw("}")
    notes("warnings", result.warnings, &json)
    notes("infos", result.infos, &json)
    json.raw("}")
    try flush(&json, to: writer, above: 0)
  }

  private func flush(_ json: inout JSONBuffer, to writer: ResponseWriter, above limit: Int) throws(StreamFailure) {
    guard json.bytes.count > limit else { return }
    // The closure cannot throw a typed error through the array.
    var failure: StreamFailure?
    json.bytes.withUnsafeBytes { bytes in
      do throws(StreamFailure) { try writer.write(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
    json.removeAll()
  }

  private func vector(_ sample: VectorSample, _ json: inout JSONBuffer) {
    json.raw("{\"metric\":")
    ResultJSON.labels(sample.labels, &json)
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

  private func matrix(_ series: MatrixSeries, _ json: inout JSONBuffer) {
    json.raw("{\"metric\":")
    ResultJSON.labels(series.labels, &json)
    let samples = series.samples
    if !samples.timestamps.isEmpty {
      json.raw(",\"values\":")
      samples.timestamps.withUnsafeBufferPointer { times in
        samples.values.withUnsafeBufferPointer { values in json.samples(times, values) }
      }
    }
    if !samples.histogramTimestamps.isEmpty {
      json.raw(",\"histograms\":[")
      for index in samples.histogramTimestamps.indices {
        if index > 0 { json.raw(",") }
        json.raw("[")
        json.timestamp(samples.histogramTimestamps[index])
        json.raw(",")
        HistogramJSON.write(samples.histograms[index], &json)
        json.raw("]")
      }
      json.raw("]")
    }
    json.raw("}")
  }

  static func labels(_ labels: Labels, _ json: inout JSONBuffer) {
    json.raw("{")
    var isFirst = true
    labels.forEach { name, value in
      if !isFirst { json.raw(",") }
      isFirst = false
      json.string(name)
      json.raw(":")
      json.string(value)
    }
    json.raw("}")
  }

  private static func sample(_ time: Int64, _ value: Double, _ json: inout JSONBuffer) {
    json.raw("[")
    json.timestamp(time)
    json.raw(",")
    json.value(value)
    json.raw("]")
  }

  private func notes(_ name: String, _ texts: [String], _ json: inout JSONBuffer) {
    if texts.isEmpty { return }
    json.raw(",\"\(name)\":[")
    for (index, text) in texts.enumerated() {
      if index > 0 { json.raw(",") }
      json.pageString(text)
    }
    json.raw("]")
  }
}
