import Model

@testable import Format

/// The outcome of scanning a text: each entry as one line, and the error that ended it.
struct ScannedText {
  var entries: [String] = []
  var error: ExpositionError?

  init(_ text: String, _ format: ExpositionFormat, skipsLines: Bool = false) {
    self.init(Array(text.utf8), format, skipsLines: skipsLines)
  }

  init(_ bytes: [UInt8], _ format: ExpositionFormat, skipsLines: Bool = false) {
    // On the heap, with exactly these bytes, so that a read behind them is found.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    var scanner = ExpositionScanner(LentBytes(UnsafeRawBufferPointer(buffer)), format)
    var labels = ExpositionLabels()
    while true {
      do throws(ExpositionError) {
        let entry = try scanner.next()
        if entry == .end { return }
        entries.append(try ScannedText.text(entry, &scanner, &labels))
      } catch {
        guard skipsLines else {
          self.error = error
          return
        }
        entries.append("error \(error)")
        scanner.skipLine()
      }
    }
  }

  private static func text(
    _ entry: ExpositionScanner.Entry, _ scanner: inout ExpositionScanner, _ labels: inout ExpositionLabels
  ) throws(ExpositionError) -> String {
    func text(_ range: Range<Int>) -> String { String(decoding: scanner.bytes.part(range), as: UTF8.self) }
    switch entry {
    case .series:
      try scanner.readLabels(&labels)
      var result = "\(text(scanner.series)) \(pairs(labels)) \(scanner.value)"
      if let time = scanner.time { result += " @\(time)" }
      if let exemplar = scanner.exemplar {
        scanner.readExemplarLabels(&labels)
        result += " # \(pairs(labels)) \(exemplar.value)"
        if let time = exemplar.time { result += " @\(time)" }
      }
      return result
    case .type: return "TYPE \(text(scanner.metric)) \(scanner.kind)"
    case .help: return "HELP \(text(scanner.metric)) \(scanner.helpText())"
    case .unit: return "UNIT \(text(scanner.metric)) \(text(scanner.text))"
    case .comment: return text(scanner.text)
    case .histogram, .end: return "\(entry)"
    }
  }

  static func pairs(_ labels: borrowing ExpositionLabels) -> String {
    var texts: [String] = []
    for index in 0..<labels.count {
      let (name, value) = (labels.name(index), labels.value(index))
      texts.append(
        "\(String(decoding: name, as: UTF8.self))=\(EscapedText.quoted(value))")
    }
    return "{\(texts.joined(separator: ","))}"
  }
}
