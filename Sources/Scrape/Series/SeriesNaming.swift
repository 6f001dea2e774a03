import Format
import Model

/// From the labels that a target exposes to those of the series that is stored: the target's labels come in, the rules of metric
/// relabelling change them, and rules and limits are checked, in Prometheus's order and words. Runs once for each text that is
/// new. One target's; one thread's at a time.
struct SeriesNaming {
  enum Verdict: Equatable {
    /// The label fields are in the output.
    case kept
    case dropped
    /// No series can have these labels.
    case fault(String)
    case overLimit(String)
  }

  /// The limits of a scrape config, 0: none.
  struct Limits: Equatable {
    var labelsMax = 0
    var nameBytesMax = 0
    var valueBytesMax = 0
  }

  typealias Label = (name: [UInt8], value: [UInt8])

  let target: [Label]
  private let honorsLabels: Bool
  private let relabelling: Relabelling
  private let limits: Limits
  private let isLegacy: Bool
  private static let metric = Array(LabelName.metric.utf8)
  private static let exportedPrefix = Array("exported_".utf8)

  /// Labels as exposed; scratch. Refilled with `begin` and `add`.
  private var edits = LabelEdits()
  /// Exposed labels without a value: where exposed labels win, the series does not get the target's of this name.
  private var empty: [[UInt8]] = []

  init(_ options: ScrapeOptions, target labels: Labels, _ relabelling: Relabelling) {
    target = labels.pairs.map { (Array($0.name.utf8), Array($0.value.utf8)) }
    honorsLabels = options.honorsLabels
    self.relabelling = relabelling
    limits = Limits(
      labelsMax: options.labelsMax, nameBytesMax: options.labelNameBytesMax,
      valueBytesMax: options.labelValueBytesMax)
    isLegacy = options.nameScheme == .legacy
  }

  // MARK: Labels as exposed

  mutating func begin() {
    edits.removeAll()
    empty.removeAll(keepingCapacity: true)
  }

  /// Adds a label as exposed; in order of the names.
  mutating func add(_ name: LentBytes, _ value: LentBytes) {
    if value.isEmpty {
      if honorsLabels { empty.append(Array(name)) }
    } else {
      edits.append(name, value)
    }
  }

  // MARK: The series

  /// Appends the label fields of the series to `output`, or says why there is none. Of labels that were stored before, the
  /// limits need not be looked at again (`isChecked`).
  mutating func name(isChecked: Bool = false, into output: inout ByteBuffer) -> Verdict {
    addTarget()
    guard relabelling.apply(to: &edits), !edits.labels.isEmpty else { return .dropped }
    var labels: [Label] = edits.labels.map { ($0.name, $0.value) }
    labels.sort { $0.name.lexicographicallyPrecedes($1.name) }
    if !isChecked, let verdict = check(labels) { return verdict }
    for label in labels { LabelFields.appendField(name: label.name, value: label.value, to: &output) }
    return .kept
  }

  private mutating func addTarget() {
    if honorsLabels {
      for label in target where edits.value(of: label.name).isEmpty && !empty.contains(label.name) {
        edits.set(label.name, label.value)
      }
      return
    }
    var conflicts: [Label] = []
    for label in target {
      let exposed = edits.value(of: label.name)
      if !exposed.isEmpty { conflicts.append((label.name, exposed)) }
      edits.set(label.name, label.value)
    }
    // Shorter names first, otherwise in order; the sort is stable.
    conflicts.sort { $0.name.count < $1.name.count }
    for conflict in conflicts {
      var name = conflict.name
      repeat { name = SeriesNaming.exportedPrefix + name } while !edits.value(of: name).isEmpty
      edits.set(name, conflict.value)
    }
  }

  private func check(_ labels: [Label]) -> Verdict? {
    guard let metric = labels.first(where: { $0.name == SeriesNaming.metric })?.value else {
      return .fault("missing metric name (__name__ label)")
    }
    if !isValid(labels) {
      return .fault("invalid metric name or label names: \(SeriesNaming.text(labels))")
    }
    if let text = overLimit(labels, metric) { return .overLimit(text) }
    for place in labels.indices.dropFirst() where labels[place].name == labels[place - 1].name {
      return .fault(
        "label name \"\(String(decoding: labels[place].name, as: UTF8.self))\" is not unique: invalid sample")
    }
    return nil
  }

  private func isValid(_ labels: [Label]) -> Bool {
    labels.allSatisfy { label in
      guard UTF8Text.isValid(label.value), LabelName.isValid(label.name) else { return false }
      if !isLegacy { return true }
      if !LabelName.isLegacy(String(decoding: label.name, as: UTF8.self)) { return false }
      return label.name != SeriesNaming.metric || LabelName.isLegacyMetric(String(decoding: label.value, as: UTF8.self))
    }
  }

  private func overLimit(_ labels: [Label], _ metric: [UInt8]) -> String? {
    let of = "metric: \(SeriesNaming.excerpt(metric))"
    if limits.labelsMax > 0, labels.count > limits.labelsMax {
      return "label_limit exceeded (\(of), number of labels: \(labels.count), limit: \(limits.labelsMax))"
    }
    for label in labels {
      let name = SeriesNaming.excerpt(label.name)
      if limits.nameBytesMax > 0, label.name.count > limits.nameBytesMax {
        return
          "label_name_length_limit exceeded (\(of), label name: \(name), length: \(label.name.count), "
          + "limit: \(limits.nameBytesMax))"
      }
      if limits.valueBytesMax > 0, label.value.count > limits.valueBytesMax {
        return
          "label_value_length_limit exceeded (\(of), label name: \(name), "
          + "value: \(quoted(SeriesNaming.excerpt(label.value))), length: \(label.value.count), "
          + "limit: \(limits.valueBytesMax))"
      }
    }
    return nil
  }

  /// The first fifty characters.
  private static func excerpt(_ bytes: [UInt8]) -> String {
    String(String.UnicodeScalarView(String(decoding: bytes.prefix(200), as: UTF8.self).unicodeScalars.prefix(50)))
  }

  /// Most bytes of a series that an error tells.
  private static let textBytesMax = 2048

  /// The series as Prometheus writes it.
  private static func text(_ labels: [Label]) -> String {
    var parts: [String] = []
    var bytes = 0
    for label in labels {
      let name = String(decoding: label.name, as: UTF8.self)
      let part =
        "\(LabelName.isLegacy(name) ? name : quoted(name))=\(quoted(String(decoding: label.value, as: UTF8.self)))"
      bytes += part.utf8.count
      if bytes > textBytesMax {
        parts.append("…")
        break
      }
      parts.append(part)
    }
    return "{" + parts.joined(separator: ", ") + "}"
  }
}
