import Model

/// A set of label names, to keep or to leave out. Works on the packed bytes of labels.
struct LabelFilter: Sendable {
  let names: [[UInt8]]

  init(_ names: [String]) { self.names = Set(names.map { Array($0.utf8) }).sorted { $0.lexicographicallyPrecedes($1) } }

  func keeping(_ labels: Labels) -> Labels { filtered(labels, keeps: true) }
  func dropping(_ labels: Labels) -> Labels { filtered(labels, keeps: false) }

  private func filtered(_ labels: Labels, keeps: Bool) -> Labels {
    var packed: [UInt8] = []
    packed.reserveCapacity(labels.packed.count)
    filter(labels, keeps: keeps, into: &packed)
    return packed.count == labels.packed.count ? labels : Labels(packed: packed)
  }

  /// The labels that a result loses once it is no longer what the metric's name says.
  static let metadata = LabelFilter([LabelName.metric, "__type__", "__unit__"])
  static let name = LabelFilter([LabelName.metric])
}

extension Labels {
  var metricText: String { self[LabelName.metric] ?? "" }

  /// The labels with some of them set; an empty value removes one.
  func setting(_ changes: [(name: String, value: String)]) -> Labels {
    var builder = LabelsBuilder(self)
    for change in changes { builder.set(change.name, change.value) }
    return builder.labels()
  }
}
