import Model
import PromQL

/// A value of a template: what Prometheus hands to one, what its functions make, and Go's basic types. A value.
enum TemplateValue: Sendable {
  /// No value at all, printed `<no value>`.
  case missing
  /// A nil that an argument of any type takes.
  case null
  case bool(Bool)
  case integer(Int64)
  /// One byte of a text.
  case byte(UInt8)
  case float(Double)
  case text([UInt8])
  /// A text that `safeHtml` has marked.
  case html([UInt8])
  case labels(Labels)
  /// The arguments of `args`, called `arg0` and so on.
  case arguments([TemplateValue])
  case samples([VectorSample])
  indirect case sample(VectorSample)
  /// A nil where a sample is meant.
  case noSample
  indirect case histogram(Histogram)
  case time(GoTime)
  /// Nanoseconds; `isMade`: what `toDuration` makes, which Go has as a pointer.
  case duration(Int64, isMade: Bool)
  case month(Int)
  case weekday(Int)
  /// The data of an alert: labels, external labels, external URL, value.
  case root

  init(_ value: SampleValue) {
    switch value {
    case .float(let float): self = .float(float)
    case .histogram(let histogram): self = .histogram(histogram)
    }
  }

  init(_ text: String) { self = .text(Array(text.utf8)) }

  /// True if there is something: the condition of `if`, `and`, `or`, `not`.
  var isTrue: Bool {
    switch self {
    case .missing, .null, .noSample: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .byte(let value): value != 0
    case .float(let value): value != 0
    case .text(let text), .html(let text): !text.isEmpty
    case .labels(let labels): !labels.isEmpty
    case .arguments(let values): !values.isEmpty
    case .samples(let samples): !samples.isEmpty
    case .duration(let value, let isMade): isMade || value != 0
    case .month(let value), .weekday(let value): value != 0
    case .sample, .histogram, .time, .root: true
    }
  }

  /// The type as Go names it.
  var typeName: String {
    switch self {
    case .missing, .null: "<nil>"
    case .bool: "bool"
    case .integer: "int"
    case .byte: "uint8"
    case .float: "float64"
    case .text: "string"
    case .html: "template.HTML"
    case .labels: "map[string]string"
    case .arguments: "map[string]interface {}"
    case .samples: "template.queryResult"
    case .sample, .noSample: "*template.sample"
    case .histogram: "*histogram.FloatHistogram"
    case .time: "*time.Time"
    case .duration(_, let isMade): isMade ? "*time.Duration" : "time.Duration"
    case .month: "time.Month"
    case .weekday: "time.Weekday"
    case .root:
      "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
    }
  }

  /// True if it is nil, or no value.
  var isNil: Bool {
    switch self {
    case .missing, .null, .noSample: true
    default: false
    }
  }

  /// The values of `args` by their keys, in the order of the keys.
  static func sorted(_ values: [TemplateValue]) -> [(key: String, value: TemplateValue)] {
    values.enumerated().map { ("arg\($0.offset)", $0.element) }.sorted { $0.key < $1.key }
  }

  /// Bytes that reading the value may touch, roughly.
  var byteCount: Int {
    switch self {
    case .text(let text), .html(let text): text.count
    case .labels(let labels): labels.packed.count
    case .samples(let samples): samples.reduce(0) { $0 + 64 + $1.labels.packed.count }
    case .sample(let sample): sample.labels.packed.count
    case .arguments(let values): values.reduce(0) { $0 + 16 + $1.byteCount }
    case .histogram(let histogram): 64 * (histogram.positiveList.count + histogram.negativeList.count + 1)
    default: 8
    }
  }
}
