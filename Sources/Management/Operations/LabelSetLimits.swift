import Format
import Model
import TSDB

/// The limits of label sets as a request gives them, and as they are described. Pure.
enum LabelSetLimits {
  /// Label sets of one workspace.
  static let setsMax = 100
  private static let labelsMax = 30
  private static let field = "limitsPerLabelSet"

  /// The limits in the order of the request; nil where it says nothing of them.
  static func read(_ request: ManagementRequest) throws(ManagementError) -> [LabelSetLimit]? {
    guard let value = request.member(field) else { return nil }
    guard case .array(let entries) = value else { throw .invalid(field, "must be a list") }
    if entries.count > setsMax { throw .invalid(field, "may have \(setsMax) label sets, this has \(entries.count)") }
    var limits: [LabelSetLimit] = []
    for entry in entries {
      let limit = LabelSetLimit(labels: try labels(entry["labelSet"]), seriesMax: try most(entry["limits"]))
      if limits.contains(where: { $0.labels == limit.labels }) {
        throw .invalid(field, "has the label set \(limit.labels) twice")
      }
      limits.append(limit)
    }
    return limits
  }

  private static func most(_ value: JSONDocument?) throws(ManagementError) -> Int {
    guard let value, case .object = value else { throw .invalid(field, "must have an object limits in each entry") }
    guard let number = value["maxSeries"], number != .null else { return 0 }
    guard let most = number.integer, most >= 0, let seriesMax = Int(exactly: most) else {
      throw .invalid(field, "must have whole numbers from 0 on as maxSeries")
    }
    return seriesMax
  }

  private static func labels(_ value: JSONDocument?) throws(ManagementError) -> Labels {
    guard let value, case .object(let members) = value else {
      throw .invalid(field, "must have an object labelSet in each entry")
    }
    if members.count > labelsMax { throw .invalid(field, "may have \(labelsMax) labels in a label set") }
    var pairs: [(name: String, value: String)] = []
    for member in members {
      guard isName(member.name) else { throw .invalid(field, "has \(quoted(member.name)), which is no label name") }
      guard let text = member.value.text, !text.isEmpty else {
        throw .invalid(field, "must have texts that are not empty as values of labels")
      }
      pairs.append((member.name, text))
    }
    return Labels(pairs)
  }

  private static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return name.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
  }

  static func json(_ limit: LabelSetLimit) -> ManagementJSON {
    var limits = ManagementJSON()
    limits.add("maxSeries", Int64(limit.seriesMax))
    var entry = ManagementJSON()
    entry.add("limits", limits)
    entry.add("labelSet", Dictionary(limit.labels.pairs.map { ($0.name, $0.value) }) { first, _ in first })
    return entry
  }
}
