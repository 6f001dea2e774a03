/// The labels of one series while relabelling rules change them. A value, owned by whoever applies the rules; refilled.
///
/// Invariant: no name is there twice and no value is empty. Labels that were there at first keep their order and come
/// before those that were set since: rules that walk all labels see them in this order, so that where two of them lead
/// to one name it is the later one that stays, as in Prometheus.
package struct LabelEdits: Sendable {
  package struct Label: Sendable, Equatable {
    package var name: [UInt8]
    package var value: [UInt8]
    /// Set since the beginning, therefore behind the others.
    var isSet: Bool
  }

  package private(set) var labels: [Label] = []

  package init() {}

  package init(_ labels: Labels) { labels.forEach { append(LentBytes($0), LentBytes($1)) } }

  package mutating func removeAll() { labels.removeAll(keepingCapacity: true) }

  /// Adds a label of the series as it came: names sorted and distinct, values not empty.
  package mutating func append(_ name: LentBytes, _ value: LentBytes) {
    labels.append(Label(name: Array(name), value: Array(value), isSet: false))
  }

  /// The value of a label; empty where there is none.
  package func value(of name: [UInt8]) -> [UInt8] { labels.first { $0.name == name }?.value ?? [] }

  /// Sets a label; an empty value removes it.
  package mutating func set(_ name: [UInt8], _ value: [UInt8]) {
    if value.isEmpty { return remove(name) }
    if let place = labels.firstIndex(where: { $0.name == name }) {
      if labels[place].isSet {
        labels[place].value = value
        return
      }
      labels.remove(at: place)
    }
    labels.append(Label(name: name, value: value, isSet: true))
  }

  package mutating func remove(_ name: [UInt8]) { labels.removeAll { $0.name == name } }

  package mutating func removeAll(where condition: (Label) -> Bool) { labels.removeAll(where: condition) }

  package func result() -> Labels {
    var builder = LabelsBuilder()
    for label in labels { builder.set(label.name, label.value) }
    return builder.labels()
  }
}
