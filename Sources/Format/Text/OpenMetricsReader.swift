import Model

/// Why a text is no OpenMetrics: one line with its number.
package struct OpenMetricsError: Error, Equatable, Sendable, CustomStringConvertible {
  package var line: Int
  package var problem: String

  package var description: String { "line \(line): \(problem)" }
}

/// Reads the samples out of OpenMetrics text (and of the older exposition format, whose lines are the same), one line at a
/// time over bytes that somebody else owns. Comments, metadata and exemplars are passed over.
///
///     name{label="value",...} value [seconds] [# exemplar]
///     {"name with dots",label="value"} value [seconds]
package struct OpenMetricsReader {
  package struct Sample: Equatable, Sendable {
    package var labels: Labels
    package var value: Double
    /// Since 1970; nil where the line has no time.
    package var milliseconds: Int64?
  }

  private let bytes: LentBytes
  private var offset = 0
  /// The number of the line read last, from 1.
  package private(set) var line = 0
  private var labels = LabelsBuilder()
  /// True if `# EOF` was read.
  package private(set) var hasEnded = false

  package init(_ bytes: LentBytes) { self.bytes = bytes }

  /// The next sample; nil at the end.
  package mutating func next() throws(OpenMetricsError) -> Sample? {
    while offset < bytes.count {
      line += 1
      if hasEnded { throw failure("there is more behind # EOF") }
      let start = offset
      while offset < bytes.count, bytes[offset] != UInt8(ascii: "\n") { offset += 1 }
      var text = bytes[start..<offset]
      offset += 1
      while let last = text.last, last == UInt8(ascii: "\r") || last == UInt8(ascii: " ") { text = text.dropLast() }
      while text.first == UInt8(ascii: " ") { text = text.dropFirst() }
      guard let first = text.first else { continue }
      if first == UInt8(ascii: "#") {
        hasEnded = text.elementsEqual("# EOF".utf8)
        continue
      }
      return try sample(text)
    }
    return nil
  }

  private func failure(_ problem: String) -> OpenMetricsError { OpenMetricsError(line: line, problem: problem) }

  private typealias Text = Slice<LentBytes>

  private mutating func sample(_ text: Text) throws(OpenMetricsError) -> Sample {
    var rest = text
    labels.removeAll()
    let name = rest.prefix { $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    rest = rest.dropFirst(name.count)
    skipBlanks(&rest)
    if !name.isEmpty { labels.set(LabelName.metric, String(decoding: name, as: UTF8.self)) }
    if rest.first == UInt8(ascii: "{") {
      rest = rest.dropFirst()
      try readLabels(&rest)
    }
    let set = labels.labels()
    guard set.has(LabelName.metric) else { throw failure("a sample without a name") }
    let valueText = word(&rest)
    guard let value = OpenMetricsReader.number(valueText) else {
      throw failure("\(quoted(String(decoding: valueText, as: UTF8.self))) is no number")
    }
    let timeText = word(&rest)
    if timeText.isEmpty || timeText.first == UInt8(ascii: "#") {
      return Sample(labels: set, value: value, milliseconds: nil)
    }
    guard let seconds = OpenMetricsReader.number(timeText), seconds.magnitude < 9.2e15 else {
      throw failure("\(quoted(String(decoding: timeText, as: UTF8.self))) is no time in seconds")
    }
    let behind = word(&rest)
    if !behind.isEmpty, behind.first != UInt8(ascii: "#") {
      throw failure("\(quoted(String(decoding: behind, as: UTF8.self))) is unexpected behind the time")
    }
    return Sample(labels: set, value: value, milliseconds: Int64((seconds * 1000).rounded()))
  }

  /// Reads `name="value",...}`; a string alone is the name of the metric.
  private mutating func readLabels(_ rest: inout Text) throws(OpenMetricsError) {
    while true {
      skipBlanks(&rest)
      guard let first = rest.first else { throw failure("a label set without an end") }
      if first == UInt8(ascii: "}") {
        rest = rest.dropFirst()
        return
      }
      let isQuoted = first == UInt8(ascii: "\"")
      let name = isQuoted ? try readString(&rest) : readName(&rest)
      skipBlanks(&rest)
      if rest.first == UInt8(ascii: "=") {
        rest = rest.dropFirst()
        skipBlanks(&rest)
        guard rest.first == UInt8(ascii: "\""), !name.isEmpty else { throw failure("a label without a quoted value") }
        labels.set(name, try readString(&rest))
      } else {
        guard isQuoted else { throw failure("a label without a value") }
        labels.set(Array(LabelName.metric.utf8), name)
      }
      skipBlanks(&rest)
      if rest.first == UInt8(ascii: ",") {
        rest = rest.dropFirst()
      } else if rest.first != UInt8(ascii: "}") {
        throw failure("a comma or a closing brace is missing")
      }
    }
  }

  private func readName(_ rest: inout Text) -> [UInt8] {
    let name = rest.prefix { byte in
      byte != UInt8(ascii: "=") && byte != UInt8(ascii: " ") && byte != UInt8(ascii: ",") && byte != UInt8(ascii: "}")
    }
    rest = rest.dropFirst(name.count)
    return Array(name)
  }

  private func readString(_ rest: inout Text) throws(OpenMetricsError) -> [UInt8] {
    rest = rest.dropFirst()
    var string: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\"") {
        guard UTF8Text.isValid(string) else { throw failure("a string that is not UTF-8") }
        return string
      }
      guard byte == UInt8(ascii: "\\") else {
        string.append(byte)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "n"): string.append(UInt8(ascii: "\n"))
      case UInt8(ascii: "\""): string.append(UInt8(ascii: "\""))
      case UInt8(ascii: "\\"): string.append(UInt8(ascii: "\\"))
      case let other?: string += [UInt8(ascii: "\\"), other]
      case nil: break
      }
    }
    throw failure("a string without an end")
  }

  private func word(_ rest: inout Text) -> Text {
    skipBlanks(&rest)
    let word = rest.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    rest = rest.dropFirst(word.count)
    return word
  }

  private func skipBlanks(_ rest: inout Text) {
    while let byte = rest.first, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { rest = rest.dropFirst() }
  }

  /// The NaN of Prometheus that is no stale marker.
  private static let plainNaN = Double(bitPattern: 0x7ff8_0000_0000_0001)

  /// A number as Go reads it, `NaN` and `Inf` included; every NaN is the usual one.
  private static func number(_ text: Text) -> Double? {
    if text.isEmpty || text.first == UInt8(ascii: "#") { return nil }
    guard let number = Double(String(decoding: text, as: UTF8.self)) else { return nil }
    return number.isNaN ? plainNaN : number
  }
}
