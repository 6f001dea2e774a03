import TestKit

/// What a service exposes, at moments that follow each other: the same lines, of which two of three values move. Made and
/// compressed before anything is measured. A plain value.
struct ScrapeBodies: Sendable {
  /// Moments kept. A target that has gone through them all begins again, and its counters with it.
  static let count = 64
  private static let seriesInFamily = 8

  let compressed: [[UInt8]]
  let plain: [[UInt8]]

  init(series: Int, mix: ValueMix, seed: UInt64) {
    let kinds = (0..<series).map { mix.kind(ofMetric: $0 / Self.seriesInFamily) }
    var values = SeriesValues(kinds: kinds, seed: seed)
    plain = (0..<Self.count).map { _ in
      defer { values.move() }
      return Self.text(values.values, kinds)
    }
    compressed = plain.map(gzipCompressed)
  }

  var plainBytes: Int { plain.reduce(0) { $0 + $1.count } / plain.count }
  var compressedBytes: Int { compressed.reduce(0) { $0 + $1.count } / compressed.count }

  private static func text(_ values: [Double], _ kinds: [ValueMix.Kind]) -> [UInt8] {
    var text = ""
    for (series, value) in values.enumerated() {
      let (family, member) = (series / seriesInFamily, series % seriesInFamily)
      let isCounter = kinds[series] == .counter
      let name = "service_\(subjects[family % subjects.count])_\(family)_\(isCounter ? "total" : "current")"
      if member == 0 {
        text += "# HELP \(name) Number of \(subjects[family % subjects.count]), by handler and code.\n"
        text += "# TYPE \(name) \(isCounter ? "counter" : "gauge")\n"
      }
      text += "\(name){code=\"\(200 + member % 4)\",handler=\"/api/v1/\(handlers[member / 4])\",method=\"GET\"} "
      text += number(value) + "\n"
    }
    return Array(text.utf8)
  }

  /// A number as Go's libraries write it: with an exponent from a million on.
  private static func number(_ value: Double) -> String {
    guard value == value.rounded(), value < 1e15 else { return "\(value)" }
    let digits = "\(Int(value))"
    guard value >= 1e6 else { return digits }
    let exponent = digits.count - 1
    var fraction = digits.dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    let point = fraction.isEmpty ? "" : "."
    return "\(digits.prefix(1))\(point)\(fraction)e+\(exponent < 10 ? "0" : "")\(exponent)"
  }

  private static let subjects = [
    "http_requests", "request_seconds", "queue_entries", "cache_hits", "connections_open", "rows_written",
  ]
  private static let handlers = ["orders", "customers/{id}"]
}
