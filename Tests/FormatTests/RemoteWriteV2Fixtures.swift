import CProtobuf
import Format
import Model
import TestKit

/// What is read from a 2.0 request, in a form that two readers can be compared by. Labels and texts are resolved.
struct ReadV2Request: Equatable {
  struct Series: Equatable {
    var labels: [[UInt8]] = []
    var times: [Int64] = []
    var values: [UInt64] = []
    var histograms: [[UInt8]] = []
    var exemplars: [Exemplar] = []
  }

  struct Exemplar: Equatable {
    var labels: [[UInt8]]
    var value: UInt64
    var time: Int64
  }

  var series: [Series] = []
  /// Series that cannot be resolved, and what could not be of the others.
  var faults = 0
}

extension ReadV2Request {
  /// As the oracle's strings are: up to the first NUL, malformed UTF-8 replaced.
  var asStrings: ReadV2Request {
    var copy = self
    for row in copy.series.indices {
      copy.series[row].labels = copy.series[row].labels.map { bytes in
        Array(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).utf8)
      }
    }
    return copy
  }
}

/// Random 2.0 requests, valid by the wire format and as odd as it allows; some refer to what is not there.
struct V2RequestMaker {
  var maker: RequestMaker

  init(_ name: String) { maker = RequestMaker(random: RandomSource(for: name)) }

  mutating func request() -> [UInt8] {
    let symbols = [[]] + (0..<maker.random.below(12)).map { _ in maker.text() }
    var pieces = symbols.map { maker.field(4, $0) }
    let table = Array(pieces.joined())
    pieces = (0..<maker.random.below(5)).map { _ in maker.field(5, series(symbols.count)) }
    if maker.random.below(6) == 0 { pieces.append(maker.unknownField(known: 4, 5)) }
    // Mostly the table comes first, as senders write it.
    if maker.random.below(5) == 0 { return Array(pieces.joined()) + table }
    return table + Array(pieces.joined())
  }

  mutating func reference(_ symbolCount: Int) -> UInt64 {
    maker.random.below(40) == 0 ? UInt64(symbolCount + maker.random.below(3)) : UInt64(maker.random.below(symbolCount))
  }

  /// Mostly an even number of them; packed, or one by one.
  mutating func references(_ symbolCount: Int) -> [UInt8] {
    var numbers: [UInt64] = []
    for _ in 0..<maker.random.below(5) { numbers += [reference(symbolCount), reference(symbolCount)] }
    if maker.random.below(20) == 0 { numbers.append(reference(symbolCount)) }
    if maker.random.below(5) == 0 { return numbers.flatMap { [0x08] + maker.varint($0) } }
    let cut = maker.random.below(3) == 0 ? maker.random.below(numbers.count + 1) : 0
    var bytes: [UInt8] = []
    for part in [numbers[..<cut], numbers[cut...]] where !part.isEmpty || maker.random.below(4) == 0 {
      bytes += maker.field(1, part.flatMap { maker.varint($0) })
    }
    return bytes
  }

  mutating func series(_ symbolCount: Int) -> [UInt8] {
    var pieces = [references(symbolCount)]
    for _ in 0..<maker.random.below(4) {
      var sample = maker.sample()
      if maker.random.below(4) == 0 { sample += [0x18] + maker.varint(UInt64(maker.random.below(1 << 40))) }
      pieces.append(maker.field(2, sample))
    }
    if maker.random.below(4) == 0 { pieces.append(maker.field(3, maker.histogram())) }
    if maker.random.below(4) == 0 { pieces.append(maker.field(4, exemplar(symbolCount))) }
    if maker.random.below(3) == 0 { pieces.append(maker.field(5, metadata(symbolCount))) }
    if maker.random.below(6) == 0 { pieces.append(maker.unknownField(known: 1, 2, 3, 4, 5)) }
    if maker.random.below(3) == 0 { pieces.shuffle(using: &maker.random) }
    return Array(pieces.joined())
  }

  mutating func exemplar(_ symbolCount: Int) -> [UInt8] {
    references(symbolCount) + [0x11] + maker.random.bytes(8) + [0x18]
      + maker.varint(UInt64(1_700_000_000_000 + maker.random.below(1 << 30)))
  }

  mutating func metadata(_ symbolCount: Int) -> [UInt8] {
    var bytes: [UInt8] = [0x08, UInt8(maker.random.below(8))]
    if maker.random.below(4) > 0 { bytes += [0x18] + maker.varint(reference(symbolCount)) }
    if maker.random.below(4) > 0 { bytes += [0x20] + maker.varint(reference(symbolCount)) }
    return bytes
  }
}

/// What the scanner makes of a body; nil where it refuses. What it wrote out is read by the readers of 1.0.
func scannerV2Reading(_ body: UnsafeRawBufferPointer, _ rows: inout WriteRequestRows) -> ReadV2Request? {
  do throws(WriteRequestError) {
    try WriteRequestV2Scanner.scan(body, key: .stable, into: &rows)
  } catch {
    precondition(error.offset >= 0 && error.offset <= body.count)
    return nil
  }
  var request = ReadV2Request(faults: rows.faults.count)
  for index in 0..<rows.rows.count {
    let row = rows.rows[index]
    var series = ReadV2Request.Series(labels: labelTexts(rows.labels(of: row, in: body)))
    let raw = rows.labels(of: row, in: body)
    let hash = KeyedHash.stable.hash128(raw)
    precondition(hash.high == row.hashHigh && UInt32(truncatingIfNeeded: hash.low) == row.hashLow)
    for sample in Int(row.sampleStart)..<(Int(row.sampleStart) + Int(row.sampleCount)) {
      series.times.append(rows.times[sample])
      series.values.append(rows.values[sample])
    }
    for part in rows.histograms.elements where part.row == index {
      series.histograms.append(Array(body[Int(part.offset)..<(Int(part.offset) + Int(part.length))]))
    }
    let messages = rows.messages(in: body)
    for part in rows.exemplars.elements where part.row == index {
      series.exemplars.append(oneExemplar(Array(messages[Int(part.offset)..<(Int(part.offset) + Int(part.length))])))
    }
    request.series.append(series)
  }
  return request
}

private func labelTexts(_ raw: UnsafeRawBufferPointer) -> [[UInt8]] {
  var labels = LabelFields()
  precondition(labels.parse(raw), "the scanner wrote labels that are none")
  return (0..<labels.fields.count).flatMap { [Array(labels.name($0, in: raw)), Array(labels.value($0, in: raw))] }
}

/// An exemplar of the 1.0 form, by protobuf-c.
private func oneExemplar(_ bytes: [UInt8]) -> ReadV2Request.Exemplar {
  let message = (bytes + [0]).withUnsafeBufferPointer {
    prometheus__exemplar__unpack(nil, bytes.count, $0.baseAddress)
  }
  guard let message else { preconditionFailure("the scanner wrote an exemplar that is none: \(bytes)") }
  defer { prometheus__exemplar__free_unpacked(message, nil) }
  var labels: [[UInt8]] = []
  for index in 0..<message.pointee.n_labels {
    guard let label = message.pointee.labels[index]?.pointee else { continue }
    labels += [Array(String(cString: label.name).utf8), Array(String(cString: label.value).utf8)]
  }
  return ReadV2Request.Exemplar(
    labels: labels, value: message.pointee.value.bitPattern, time: message.pointee.timestamp)
}

/// The reading of protobuf-c, with references resolved plainly; nil where it refuses, or where the table does not begin
/// with an empty symbol.
func oracleV2Reading(_ body: [UInt8]) -> ReadV2Request? {
  if body.isEmpty { return ReadV2Request() }
  let message = body.withUnsafeBufferPointer {
    io__prometheus__write__v2__request__unpack(nil, body.count, $0.baseAddress)
  }
  guard let message else { return nil }
  defer { io__prometheus__write__v2__request__free_unpacked(message, nil) }
  let symbols = (0..<message.pointee.n_symbols).map { index in
    message.pointee.symbols[index].map { Array(String(cString: $0).utf8) } ?? []
  }
  guard symbols.first?.isEmpty == true else { return nil }
  var request = ReadV2Request()
  for row in 0..<message.pointee.n_timeseries {
    guard let series = message.pointee.timeseries[row]?.pointee else { return nil }
    oracleSeries(series, symbols, &request)
  }
  return request
}

private func oracleSeries(
  _ series: Io__Prometheus__Write__V2__TimeSeries, _ symbols: [[UInt8]], _ request: inout ReadV2Request
) {
  func resolved(_ references: UnsafeMutablePointer<UInt32>?, _ count: Int) -> [[UInt8]]? {
    let numbers = (0..<count).compactMap { references?[$0] }
    guard count % 2 == 0, numbers.allSatisfy({ $0 < symbols.count }) else { return nil }
    return numbers.map { symbols[Int($0)] }
  }
  let isEmpty = series.n_samples + series.n_histograms + series.n_exemplars == 0
  guard let labels = resolved(series.labels_refs, series.n_labels_refs), !isEmpty else {
    request.faults += 1
    return
  }
  var read = ReadV2Request.Series(labels: labels)
  for index in 0..<series.n_samples {
    guard let sample = series.samples[index]?.pointee else { continue }
    read.times.append(sample.timestamp)
    read.values.append(sample.value.bitPattern)
  }
  for index in 0..<series.n_histograms {
    let bytes = series.histograms[index]
    read.histograms.append(Array(UnsafeBufferPointer(start: bytes.data, count: bytes.len)))
  }
  for index in 0..<series.n_exemplars {
    guard let exemplar = series.exemplars[index]?.pointee else { continue }
    if let labels = resolved(exemplar.labels_refs, exemplar.n_labels_refs) {
      read.exemplars.append(.init(labels: labels, value: exemplar.value.bitPattern, time: exemplar.timestamp))
    } else {
      request.faults += 1
    }
  }
  request.series.append(read)
}
