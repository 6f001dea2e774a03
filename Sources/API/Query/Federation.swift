import HTTP
import Model
import Platform
import PromQL
import Query
import Workspaces

/// `GET /federate`: the last sample of each selected series, as a scrape has it. Runs on the lane of clients' queries.
struct Federation: Sendable {
  let queries: QueryService
  let externalLabels: @Sendable () -> Labels

  func handle(_ request: Request, _ workspace: Workspace) -> Response {
    do throws(APIError) {
      let selectors = try LabelSelection.parsed(request.parameterValues("match[]"))
      let querier = queries.querier(over: workspace.database)
      let stop = queries.stopCheck(QueryTerms(of: request))
      let (samples, warnings) = try APIError.of { () throws(QueryError) in
        try lastSamples(selectors, queries.clock.nowMilliseconds(), querier, stop)
      }
      let escapes = !request.header("Accept", contains: "escaping=allow-utf-8")
      let heldBytes = samples.reduce(0) { $0 + $1.labels.packed.count + 96 }
      let pieces = Exclusive(FederationPieces(samples, externalLabels(), escapes: escapes, warnings: warnings))
      return Response(
        contentType: escapes ? .federation : .federationUTF8,
        body: .pieces(heldBytes: heldBytes) { (writer) throws(StreamError) in
          try pieces.use { (pieces) throws(StreamError) in try pieces.next(writer) }
        })
    } catch {
      return .text(error.status, error.message)
    }
  }

  fileprivate struct Sample: Sendable {
    var labels: Labels
    var time: Int64
    var value: Double
  }

  /// The last samples, by metric name, then by labels; each series once, however many selectors find it. Warnings name
  /// what could not be read.
  private func lastSamples(
    _ selectors: [[Matcher]], _ now: Int64, _ querier: Querier, _ stop: @escaping StopCheck
  ) throws(QueryError) -> (samples: [Sample], warnings: [String]) {
    var warnings: [String] = []
    var seen: Set<Labels> = []
    var samples: [Sample] = []
    var column = SampleColumn()
    for selector in selectors {
      let found = try querier.select(
        selector, from: now - queries.engine.options.lookback, through: now, damage: DamagePolicy(queries.options),
        stop: stop)
      let reader = found.makeReader()
      for index in 0..<found.count {
        if let reason = stop() { throw QueryError(reason) }
        let labels = found.labels[index]
        if selectors.count > 1, !seen.insert(labels).inserted { continue }
        try reader.read(index, into: &column)
        // The text has no way to say that a series has ended, or that it is nameless.
        guard let time = column.timestamps.last, let value = column.values.last, !StaleMarker.isStale(value),
          labels.has(LabelName.metric)
        else { continue }
        samples.append(Sample(labels: labels, time: time, value: value))
      }
      for text in found.warnings where !warnings.contains(text) { warnings.append(text) }
    }
    samples.sort { one, two in
      let names = (one.labels.metricName ?? "", two.labels.metricName ?? "")
      if names.0 != names.1 { return names.0.utf8.lexicographicallyPrecedes(names.1.utf8) }
      return one.labels < two.labels
    }
    return (samples, warnings)
  }
}

/// The text on its way to a client. Used by one thread at a time.
private final class FederationPieces {
  private static let pieceBytes = 32 << 10

  private let samples: [Federation.Sample]
  /// The labels that every line gets.
  private let added: [(name: String, value: String)]
  private var text: FederationText
  private var nextIndex = 0

  init(_ samples: [Federation.Sample], _ external: Labels, escapes: Bool, warnings: [String]) {
    self.samples = samples
    // A series without an instance says so, or the scrape would give it that of this server.
    var added = external.pairs
    if !external.has(LabelName.instance) { added.append((LabelName.instance, "")) }
    self.added = added.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    text = FederationText(escapes: escapes)
    // Comments are what the format has for what scrapers need not read.
    for warning in warnings { text.bytes += Array("# warning: \(warning)\n".utf8) }
  }

  func next(_ writer: ResponseWriter) throws(StreamError) -> PieceOutcome {
    while nextIndex < samples.count && text.bytes.count < Self.pieceBytes {
      let sample = samples[nextIndex]
      let name = sample.labels.metricName ?? ""
      if nextIndex == 0 || name != samples[nextIndex - 1].labels.metricName ?? "" { text.appendType(of: name) }
      text.append(name, sample.labels, added: added, sample.time, sample.value)
      nextIndex += 1
    }
    try writer.write(text.bytes)
    text.bytes.removeAll(keepingCapacity: true)
    return nextIndex == samples.count ? .last : .more
  }
}

/// Lines of the text format: names that older readers cannot take are escaped with underscores, or quoted for those that
/// say they can.
private struct FederationText {
  let escapes: Bool
  var bytes: [UInt8] = []

  mutating func appendType(of name: String) {
    bytes += Array("# TYPE ".utf8)
    append(metric: name)
    bytes += Array(" untyped\n".utf8)
  }

  mutating func append(
    _ metric: String, _ labels: Labels, added: [(name: String, value: String)], _ time: Int64, _ value: Double
  ) {
    var separator: Character = "{"
    if escapes || LabelName.isLegacyMetric(metric) {
      append(metric: metric)
    } else {
      bytes.append(UInt8(ascii: "{"))
      append(metric: metric)
      separator = ","
    }
    let own = labels.pairs.filter { $0.name != LabelName.metric }
    for (name, value) in own + added.filter({ !labels.has($0.name) }) {
      bytes += Array(String(separator).utf8)
      separator = ","
      append(label: name)
      bytes += Array("=".utf8)
      append(quoted: value)
    }
    // There is always the instance.
    bytes += Array("} ".utf8)
    FloatText.append(value, plainFrom: -4, below: 6, to: &bytes)
    bytes += Array(" \(time)\n".utf8)
  }

  private mutating func append(metric name: String) {
    if LabelName.isLegacyMetric(name) {
      bytes += Array(name.utf8)
    } else if escapes {
      append(escaped: name)
    } else {
      append(quoted: name)
    }
  }

  private mutating func append(label name: String) {
    if LabelName.isLegacy(name) {
      bytes += Array(name.utf8)
    } else if escapes {
      append(escaped: name)
    } else {
      append(quoted: name)
    }
  }

  private mutating func append(escaped name: String) {
    for (index, scalar) in name.unicodeScalars.enumerated() {
      let text = String(scalar)
      // Digits may follow, but not begin.
      let isGood = LabelName.isLegacyMetric(index == 0 ? text : "_" + text)
      bytes += Array((isGood ? text : "_").utf8)
    }
  }

  private mutating func append(quoted text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += Array("\\\\".utf8)
      case UInt8(ascii: "\""): bytes += Array("\\\"".utf8)
      case UInt8(ascii: "\n"): bytes += Array("\\n".utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

extension ContentType {
  static let federation = ContentType("text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
  static let federationUTF8 = ContentType("text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8")
}

extension Request {
  /// True if a header's text has this part.
  func header(_ name: StaticString, contains part: String) -> Bool {
    header(name).map { $0.utf8.contains(part.utf8) } ?? false
  }
}

extension Sequence where Element == UInt8 {
  fileprivate func contains(_ part: some Collection<UInt8>) -> Bool {
    let text = Array(self)
    let part = Array(part)
    if part.isEmpty { return true }
    guard text.count >= part.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0..<($0 + part.count)].elementsEqual(part) }
  }
}
