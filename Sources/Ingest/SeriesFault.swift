import Format

/// Why the labels of a series were refused, with the texts operators already search for. `reason` is the value of the
/// label under which it is counted.
struct SeriesFault: Error, Equatable, CustomStringConvertible {
  var reason: String
  var message: String
  /// What it has and what is allowed, where it has too much.
  var actual: Int?
  var limit: Int?

  var description: String { message }

  static let malformed = SeriesFault(
    reason: "label_invalid", message: "labels are not well-formed protobuf, or more than \(LabelFields.labelsMax)")
  static let missingName = SeriesFault(reason: "missing_metric_name", message: "sample missing metric name")

  static func invalidMetricName(_ name: String) -> SeriesFault {
    SeriesFault(reason: "metric_name_invalid", message: "sample invalid metric name: \(name)")
  }

  static func invalidLabel(_ name: String) -> SeriesFault {
    SeriesFault(reason: "label_invalid", message: "sample invalid label: \(name)")
  }

  static func duplicateName(_ name: String) -> SeriesFault {
    SeriesFault(reason: "duplicate_label_names", message: "duplicate label name: \(name)")
  }

  static func tooManyLabels(_ count: Int, limit: Int) -> SeriesFault {
    SeriesFault(
      reason: "max_label_names_per_series",
      message: "series has too many labels (actual: \(count), limit: \(limit))", actual: count, limit: limit)
  }

  static func nameTooLong(_ name: String, _ count: Int, limit: Int) -> SeriesFault {
    SeriesFault(
      reason: "label_name_too_long",
      message: "label name too long for metric (actual: \(count), limit: \(limit)) label name: \(name)",
      actual: count, limit: limit)
  }

  static func valueTooLong(_ name: String, _ count: Int, limit: Int) -> SeriesFault {
    SeriesFault(
      reason: "label_value_too_long",
      message: "label value too long for metric (actual: \(count), limit: \(limit)) label name: \(name)",
      actual: count, limit: limit)
  }
}
