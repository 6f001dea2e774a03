import Format
import TSDB

// What is wrong with the labels of a row.
extension SeriesRefusal {
  static let malformed = SeriesRefusal(
    reason: "label_invalid", message: "labels are not well-formed protobuf, or more than \(LabelFields.labelsMax)")
  static let missingName = SeriesRefusal(reason: "missing_metric_name", message: "sample missing metric name")

  static func invalidMetricName(_ name: String) -> SeriesRefusal {
    SeriesRefusal(reason: "metric_name_invalid", message: "sample invalid metric name: \(name)")
  }

  static func invalidLabel(_ name: String) -> SeriesRefusal {
    SeriesRefusal(reason: "label_invalid", message: "sample invalid label: \(name)")
  }

  static func duplicateName(_ name: String) -> SeriesRefusal {
    SeriesRefusal(reason: "duplicate_label_names", message: "duplicate label name: \(name)")
  }

  static func tooManyLabels(_ count: Int, limit: Int) -> SeriesRefusal {
    SeriesRefusal(
      reason: "max_label_names_per_series",
      message: "series has too many labels (actual: \(count), limit: \(limit))", actual: count, limit: limit)
  }

  static func nameTooLong(_ name: String, _ count: Int, limit: Int) -> SeriesRefusal {
    SeriesRefusal(
      reason: "label_name_too_long",
      message: "label name too long for metric (actual: \(count), limit: \(limit)) label name: \(name)",
      actual: count, limit: limit)
  }

  static func valueTooLong(_ name: String, _ count: Int, limit: Int) -> SeriesRefusal {
    SeriesRefusal(
      reason: "label_value_too_long",
      message: "label value too long for metric (actual: \(count), limit: \(limit)) label name: \(name)",
      actual: count, limit: limit)
  }
}
