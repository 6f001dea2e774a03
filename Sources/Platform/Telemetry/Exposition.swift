/// Writes families in Prometheus's text format 0.0.4:
///
///     # HELP name text            \ and line ends escaped
///     # TYPE name kind
///     name{label="value"} number  \, " and line ends escaped
///
/// Pure. Invariant: every line is one of these three and ends with a line feed, whatever help and label values hold.
package enum Exposition {
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  package static func bytes(of families: [MetricFamily]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(families.reduce(0) { $0 + 128 + $1.samples.count * 96 })
    for family in families { append(family, to: &bytes) }
    return bytes
  }

  private static func append(_ family: MetricFamily, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: "# HELP ".utf8)
    bytes.append(contentsOf: family.name.utf8)
    bytes.append(UInt8(ascii: " "))
    appendEscaped(family.help, escapesQuotes: false, to: &bytes)
    bytes.append(contentsOf: "\n# TYPE ".utf8)
    bytes.append(contentsOf: family.name.utf8)
    bytes.append(UInt8(ascii: " "))
    bytes.append(contentsOf: family.kind.rawValue.utf8)
    bytes.append(UInt8(ascii: "\n"))
    for sample in family.samples { append(sample, to: &bytes) }
  }

  private static func append(_ sample: MetricSample, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: sample.name.utf8)
    if !sample.labels.isEmpty {
      var separator = UInt8(ascii: "{")
      for (name, value) in sample.labels {
        bytes.append(separator)
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: "=\"".utf8)
        appendEscaped(value, escapesQuotes: true, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        separator = UInt8(ascii: ",")
      }
      bytes.append(UInt8(ascii: "}"))
    }
    bytes.append(UInt8(ascii: " "))
    MetricNumberText.append(sample.value, to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }

  private static func appendEscaped(_ text: String, escapesQuotes: Bool, to bytes: inout [UInt8]) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
      case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\"") where escapesQuotes: bytes.append(contentsOf: "\\\"".utf8)
      default: bytes.append(byte)
      }
    }
  }
}
