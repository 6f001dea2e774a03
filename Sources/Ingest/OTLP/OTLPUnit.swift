/// A unit of the instruments' notation (UCUM), in the words of Prometheus's names. Pure.
struct OTLPUnit: Equatable {
  /// `By` is bytes.
  var main = ""
  /// `/s` is per_second.
  var per = ""

  private static let words: [String: String] = [
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "TiBy": "tibibytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "m": "meters",
    "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz", "1": "",
    "%": "percent",
  ]
  private static let perWords: [String: String] = [
    "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
  ]

  /// Parses a unit such as `By/s`; a part with braces is a remark and counts as none.
  init(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map { OTLPUnit.trimmed($0) }
    if !parts[0].contains(where: { $0 == "{" || $0 == "}" }) { main = OTLPUnit.words[parts[0]] ?? parts[0] }
    guard parts.count > 1, !parts[1].isEmpty, !parts[1].contains(where: { $0 == "{" || $0 == "}" }) else { return }
    per = "per_" + (OTLPUnit.perWords[parts[1]] ?? parts[1])
  }

  /// The text for the metric's metadata.
  var text: String {
    let (main, per) = (OTLPUnit.clean(main), OTLPUnit.clean(per))
    var whole = main.isEmpty || per.isEmpty ? main + per : main + "_" + per
    if whole.hasPrefix("_") { whole.removeFirst() }
    if whole.hasSuffix("_") { whole.removeLast() }
    return whole
  }

  /// The text with letters, digits and colons; each run of other characters becomes one underscore, one at the
  /// beginning goes.
  static func clean(_ text: String) -> String {
    var clean = ""
    for scalar in text.unicodeScalars {
      if OTLPMetricName.isAllowed(scalar) {
        clean.unicodeScalars.append(scalar)
      } else if clean.last != "_" {
        clean.append("_")
      }
    }
    return clean.hasPrefix("_") ? String(clean.dropFirst()) : clean
  }

  private static func trimmed(_ text: Substring) -> String {
    let isSpace: (Character) -> Bool = { $0.isWhitespace }
    return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}
