import Model

/// Reads the answer of a target in one of the text formats, entry by entry, over bytes that somebody else owns. What it
/// takes and refuses, and its words for that, are those of Prometheus's `model/textparse`.
///
///     var scanner = ExpositionScanner(body, .text)
///     while true {
///       switch try scanner.next() {
///       case .series: scanner.series, scanner.value, scanner.time; of a series that is not known:
///         try scanner.readLabels(&labels)
///       case .end: return
///       ...
///
/// **Labels are checked when they are read.** Of a usual line `next` finds only where the series ends; the grammar inside
/// the braces is looked at by `readLabels`, which throws what `next` would have thrown. Whoever knows the bytes of
/// `series` from an earlier `readLabels` of the same format need not read them again: the same bytes mean the same. All
/// others have to, before they use the sample.
///
/// After an error the scan is over, as in Prometheus; `skipLine` goes on behind the line at fault instead. Time is linear
/// in the bytes, with and without errors; nothing is allocated for a line.
package struct ExpositionScanner: ~Copyable {
  package enum Entry: Sendable, Hashable {
    case series, type, help, unit, comment, end
    /// Of `ConvertingScanner` alone: the classic histogram whose series came before, as a native one.
    case histogram
  }

  /// One exemplar of a sample; its labels are read by `readExemplarLabels`.
  package struct Exemplar: Sendable, Equatable {
    package var value = 0.0
    /// Milliseconds; nil where the line has none.
    package var time: Int64?
  }

  package let bytes: LentBytes
  package let format: ExpositionFormat
  var lexer: ExpositionLexer
  /// The first byte of the entry.
  var entryStart = 0

  /// Name and labels of the sample as they are written: the identity of a line that was seen before.
  package internal(set) var series = 0..<0
  package internal(set) var value = 0.0
  /// Milliseconds; nil where the line has none.
  package internal(set) var time: Int64?
  package internal(set) var exemplar: Exemplar?
  /// The metric that a TYPE, HELP or UNIT line is about: as it is written, without quotes.
  package internal(set) var metric = 0..<0
  /// The text of a HELP, UNIT or comment line; a help text is written with escapes: `helpText`.
  package internal(set) var text = 0..<0
  /// The type of the TYPE line read last: it counts for the samples that follow.
  package internal(set) var kind = MetricFamilyKind.unknown

  // The places of names and values in the entry that was read by its grammar.
  var nameStart = 0
  var nameEnd = 0
  var labels = Column<LabelField>(capacity: 32)
  var exemplarLabels = Column<LabelField>(capacity: 8)
  /// True if the grammar has read the series, so that `labels` are its labels.
  var isParsed = false

  /// False: all lines are read by the grammar, which is to come to the same.
  var findsLines = true

  /// Lines that were counted: how many end before `countedTo`.
  private var countedLines = 0
  private var countedTo = 0
  private var isOver = false

  /// `kind`: the type that counts until a TYPE line; for a scan that begins in the midst of an answer.
  package init(_ bytes: LentBytes, _ format: ExpositionFormat, kind: MetricFamilyKind = .unknown) {
    // Places are kept in 32 bits. Bodies are bounded far below by whoever fetches them.
    precondition(bytes.count < Int(UInt32.max), "a body of 4 GiB")
    self.bytes = bytes
    self.format = format
    self.kind = kind
    lexer = ExpositionLexer(bytes.raw, format)
  }

  /// Reads the next entry. At the end it is `.end`, again and again.
  package mutating func next() throws(ExpositionError) -> Entry {
    if isOver { return .end }
    if lexer.state == .line, findsLines, let line = ExpositionLine.read(bytes.raw, lexer.at, format) {
      take(line)
      return .series
    }
    let entry = format == .text ? try nextText() : try nextOpenMetrics()
    if entry == .end { isOver = true }
    return entry
  }

  /// Reads the next sample with its labels, and passes over all else. False at the end.
  package mutating func nextSample(_ labels: inout ExpositionLabels) throws(ExpositionError) -> Bool {
    while true {
      switch try next() {
      case .end: return false
      case .series:
        try readLabels(&labels)
        return true
      default: continue
      }
    }
  }

  @inline(__always)
  private mutating func take(_ line: ExpositionLine) {
    entryStart = lexer.at
    series = entryStart..<line.seriesEnd
    value = line.value
    time = line.time
    exemplar = nil
    isParsed = false
    lexer.at = line.end
  }

  /// Goes on behind the line of the entry that was read last, or could not be read.
  package mutating func skipLine() {
    var place = entryStart
    while place < bytes.count, bytes[place] != lineFeed { place += 1 }
    place += 1
    if place >= bytes.count {
      // There is no more: OpenMetrics would complain of its missing end forever.
      isOver = true
      place = lexer.count
    }
    lexer.at = place
    lexer.state = .line
  }

  /// The number of the entry's line, from 1.
  package mutating func line() -> Int { line(at: entryStart) }

  mutating func line(at place: Int) -> Int {
    // Entries come in order, so that all lines are counted once.
    if place < countedTo { (countedLines, countedTo) = (0, 0) }
    let end = min(place, bytes.count)
    for place in countedTo..<max(end, countedTo) where bytes[place] == lineFeed { countedLines += 1 }
    countedTo = max(end, countedTo)
    return countedLines + 1
  }

  /// The beginning of the entry's line, for messages.
  package func lineText(bytesMax: Int = 200) -> String {
    let line = bytes.part(from: min(entryStart, bytes.count)).prefix(bytesMax)
    return String(decoding: line.prefix { $0 != lineFeed }, as: UTF8.self)
  }

  /// The help text of a HELP line without escapes.
  package func helpText() -> String {
    let text = bytes.part(text)
    if !text.contains(UInt8(ascii: "\\")) { return String(decoding: text, as: UTF8.self) }
    var help = ByteBuffer(capacity: text.count)
    ExpositionLabels.unescape(text, isHelp: format == .text, into: &help)
    return String(decoding: help.lent, as: UTF8.self)
  }

  /// Reads the labels of the sample: those whose line has not been looked at inside the braces yet.
  package mutating func readLabels(_ result: inout ExpositionLabels) throws(ExpositionError) {
    if !isParsed { try parseSeries() }
    result.removeAll()
    result.appendMetric(part(nameStart, nameEnd))
    for index in 0..<labels.count {
      let field = labels[index]
      result.append(
        escapedName: part(Int(field.nameOffset), Int(field.nameOffset + field.nameLength)),
        escapedValue: part(Int(field.valueOffset), Int(field.valueOffset + field.valueLength)), kind)
    }
    result.sort()
  }

  /// Reads the labels of the exemplar; none where there is no exemplar. Escapes in them stay, as in Prometheus.
  package func readExemplarLabels(_ result: inout ExpositionLabels) {
    result.removeAll()
    if exemplar == nil { return }
    for index in 0..<exemplarLabels.count { result.append(exemplarLabels[index], of: bytes) }
    result.sort()
  }

  func part(_ start: Int, _ end: Int) -> LentBytes { bytes.part(start..<max(start, end)) }

  /// Reads the line again, by its grammar.
  private mutating func parseSeries() throws(ExpositionError) {
    let (found, end) = (series, lexer.at)
    lexer.at = entryStart
    lexer.state = .line
    _ = format == .text ? try nextText() : try nextOpenMetrics()
    precondition(series == found && lexer.at == end, "two readings of one line differ")
  }
}

// MARK: Errors

extension ExpositionScanner {
  mutating func failure(_ problem: String) -> ExpositionError { ExpositionError(line: line(), problem: problem) }

  /// A token that is not the expected one, with what was read of it and of the entry.
  mutating func unexpected(_ expected: String, _ token: ExpositionToken) -> ExpositionError {
    let end = min(lexer.count, lexer.at + 1)
    return failure(
      "\(expected), got \(quoted(lexer.start, end)) (\(EscapedText.quoted(token.rawValue))) while parsing: "
        + quoted(entryStart, end))
  }

  func quoted(_ start: Int, _ end: Int) -> String {
    if end <= bytes.count { return EscapedText.quoted(part(start, end)) }
    // The line feed that the text format adds at its end.
    return (Array(part(min(start, bytes.count), bytes.count)) + [lineFeed]).lend { EscapedText.quoted($0) }
  }

  var read: String { quoted(entryStart, lexer.at) }

  /// The number of a token.
  mutating func number(_ start: Int, _ end: Int) throws(ExpositionError) -> Double {
    let digits = part(start, end)
    do throws(DecimalNumber.NumberRefusal) {
      return try DecimalNumber.parse(digits)
    } catch {
      switch error {
      case .unsupported: throw failure("unsupported character in float while parsing: \(read)")
      case .syntax: throw numberFailure("ParseFloat", digits, "invalid syntax")
      case .range: throw numberFailure("ParseFloat", digits, "value out of range")
      }
    }
  }

  mutating func numberFailure(_ function: String, _ digits: LentBytes, _ fault: String) -> ExpositionError {
    failure("strconv.\(function): parsing \(EscapedText.quoted(digits)): \(fault) while parsing: \(read)")
  }
}
