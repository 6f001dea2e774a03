import Format
import Model
import TSDB

/// Checks the labels of a new series. Pure; called once per spelling of a series, not per sample.
enum LabelRules {
  /// Parses and canonicalizes the label fields of a row for relabelling rules; returns the refusal where the labels are
  /// not well-formed, else nil.
  static func read(_ bytes: LentBytes, _ labels: inout LabelFields) -> SeriesRefusal? {
    guard labels.parse(bytes) else { return .malformed }
    labels.canonicalize(in: bytes)
    if let index = labels.firstDuplicate(in: bytes) { return .duplicateName(excerpt(labels.name(index, in: bytes))) }
    for index in 0..<labels.fields.count {
      let name = labels.name(index, in: bytes)
      if name.isEmpty || !UTF8Text.isValid(name) || !UTF8Text.isValid(labels.value(index, in: bytes)) {
        return .invalidLabel(excerpt(name))
      }
    }
    return nil
  }

  /// Parses and canonicalizes the label fields of a row; returns the refusal where they break a rule or a limit, else
  /// nil.
  static func check(
    _ bytes: LentBytes, _ labels: inout LabelFields, _ limits: IngestLimits
  ) -> SeriesRefusal? {
    guard labels.parse(bytes) else { return .malformed }
    labels.canonicalize(in: bytes)
    if labels.fields.count == 0 { return .missingName }
    if let index = labels.firstDuplicate(in: bytes) { return .duplicateName(excerpt(labels.name(index, in: bytes))) }
    if limits.labelsPerSeriesMax > 0, labels.fields.count > limits.labelsPerSeriesMax {
      return .tooManyLabels(labels.fields.count, limit: limits.labelsPerSeriesMax)
    }
    guard let metric = labels.index(of: "__name__", in: bytes) else { return .missingName }
    for index in 0..<labels.fields.count {
      let name = labels.name(index, in: bytes)
      let value = labels.value(index, in: bytes)
      if name.isEmpty || !UTF8Text.isValid(name) { return .invalidLabel(excerpt(name)) }
      if !UTF8Text.isValid(value) {
        return index == metric ? .invalidMetricName(excerpt(value)) : .invalidLabel(excerpt(name))
      }
      if limits.labelNameBytesMax > 0, name.count > limits.labelNameBytesMax {
        return .nameTooLong(excerpt(name), name.count, limit: limits.labelNameBytesMax)
      }
      if limits.labelValueBytesMax > 0, value.count > limits.labelValueBytesMax {
        return .valueTooLong(excerpt(name), value.count, limit: limits.labelValueBytesMax)
      }
    }
    return nil
  }

  /// At most 200 bytes of a sender's text, quoted.
  static func excerpt(_ bytes: LentBytes) -> String {
    quoted(String(decoding: bytes.prefix(200), as: UTF8.self))
  }

  static func excerpt(of text: String) -> String { quoted(String(decoding: text.utf8.prefix(200), as: UTF8.self)) }

  /// The series as a person reads it: its labels as far as they parse, bounded.
  static func describe(_ bytes: LentBytes, _ labels: inout LabelFields) -> String {
    guard labels.parse(bytes) else { return "{…}" }
    var text = ""
    for index in 0..<labels.fields.count {
      if text.utf8.count > 600 {
        text += ", …"
        break
      }
      let name = String(decoding: labels.name(index, in: bytes).prefix(100), as: UTF8.self)
      text += (text.isEmpty ? "" : ", ") + name + "=" + excerpt(labels.value(index, in: bytes))
    }
    return "{" + text + "}"
  }
}
