// What a metric looks like when it is read: plain values, on their way to the exposition or to the server's own store.

package enum MetricKind: String, Sendable { case counter, gauge, histogram, summary, untyped }

/// A label set of a metric, in the order given.
package typealias MetricLabels = [(name: String, value: String)]

/// One exposed value: `name{labels} value`.
package struct MetricSample: Sendable {
  package var name: String
  package var labels: MetricLabels
  package var value: Double

  package init(name: String, labels: MetricLabels, value: Double) {
    self.name = name
    self.labels = labels
    self.value = value
  }
}

package struct MetricFamily: Sendable {
  package var name: String
  package var help: String
  package var kind: MetricKind
  package var samples: [MetricSample]

  package init(name: String, help: String, kind: MetricKind, samples: [MetricSample]) {
    self.name = name
    self.help = help
    self.kind = kind
    self.samples = samples
  }
}

/// The names that every reader of the text format accepts.
package enum MetricName {
  /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
  package static func isValid(_ name: String) -> Bool {
    isIdentifier(name) { $0 == UInt8(ascii: ":") }
  }

  /// `[a-zA-Z_][a-zA-Z0-9_]*`, not one of the names that Prometheus keeps for itself (`__...`).
  package static func isValidLabel(_ name: String) -> Bool {
    isIdentifier(name) { _ in false } && !name.utf8.starts(with: "__".utf8)
  }

  private static func isIdentifier(_ name: String, _ isAlsoLetter: (UInt8) -> Bool) -> Bool {
    var isFirst = true
    for byte in name.utf8 {
      let isLetter =
        (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")) || byte == UInt8(ascii: "_")
        || isAlsoLetter(byte)
      let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
      guard isLetter || (isDigit && !isFirst) else { return false }
      isFirst = false
    }
    return !isFirst
  }
}
