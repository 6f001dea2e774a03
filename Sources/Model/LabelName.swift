/// The names of labels that the system itself knows, and what a label or metric may be called.
package enum LabelName {
  package static let metric = "__name__"
  package static let bucket = "le"
  package static let quantile = "quantile"
  package static let job = "job"
  package static let instance = "instance"
  package static let alert = "alertname"

  /// Prometheus 3: any UTF-8 text that is not empty; the same rule for metric names.
  package static func isValid(_ name: UnsafeRawBufferPointer) -> Bool { !name.isEmpty && UTF8Text.isValid(name) }

  package static func isValid(_ name: [UInt8]) -> Bool { !name.isEmpty && UTF8Text.isValid(name) }

  package static func isValid(_ name: String) -> Bool { !name.isEmpty }

  /// The narrow charset `[a-zA-Z_][a-zA-Z0-9_]*`, which needs no quotes in PromQL.
  package static func isLegacy(_ name: UnsafeRawBufferPointer) -> Bool { isLegacy(name, allowsColon: false) }

  package static func isLegacy(_ name: String) -> Bool {
    var name = name
    return name.withUTF8 { isLegacy(UnsafeRawBufferPointer($0)) }
  }

  /// As `isLegacy`, with the colons of metric names: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
  package static func isLegacyMetric(_ name: UnsafeRawBufferPointer) -> Bool { isLegacy(name, allowsColon: true) }

  package static func isLegacyMetric(_ name: String) -> Bool {
    var name = name
    return name.withUTF8 { isLegacyMetric(UnsafeRawBufferPointer($0)) }
  }

  private static func isLegacy(_ name: UnsafeRawBufferPointer, allowsColon: Bool) -> Bool {
    guard let first = name.first, !(0x30...0x39).contains(first) else { return false }
    return name.allSatisfy { byte in
      switch byte {
      case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x5f: true
      case 0x3a: allowsColon
      default: false
      }
    }
  }
}

/// A set of label names, as `by (...)`, `without (...)`, `on (...)` name them: made once, asked for every series.
package struct LabelNameSet: Sendable, Hashable {
  /// Sorted by their bytes, distinct.
  let names: [[UInt8]]

  package init(_ names: some Sequence<String>) {
    var sorted = names.map { Array($0.utf8) }
    sorted.sort { $0.lexicographicallyPrecedes($1) }
    var distinct: [[UInt8]] = []
    for name in sorted where name != distinct.last { distinct.append(name) }
    self.names = distinct
  }

  package var isEmpty: Bool { names.isEmpty }
  package var count: Int { names.count }

  package func contains(_ name: String) -> Bool { names.contains { $0.elementsEqual(name.utf8) } }

  package func inserting(_ name: String) -> LabelNameSet {
    LabelNameSet(names.map { String(decoding: $0, as: UTF8.self) } + [name])
  }
}
