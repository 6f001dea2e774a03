import Format
import Model
import TestKit

/// Random write requests, valid by the specification and as odd as it allows.
struct RequestMaker {
  var random: RandomSource

  mutating func request() -> [UInt8] {
    var body: [UInt8] = []
    for _ in 0..<random.below(6) {
      switch random.below(10) {
      case 0: body += metadata()
      case 1: body += unknownField(known: 1, 3)
      default: body += field(1, series())
      }
    }
    return body
  }

  mutating func series() -> [UInt8] {
    var pieces: [[UInt8]] = (0..<random.below(5)).map { _ in field(1, label()) }
    pieces += (0..<random.below(4)).map { _ in field(2, sample()) }
    if random.below(4) == 0 { pieces.append(field(3, exemplar())) }
    if random.below(4) == 0 { pieces.append(field(4, histogram())) }
    if random.below(4) == 0 { pieces.append(unknownField(known: 1, 2, 3, 4)) }
    // Mostly in the usual order; sometimes labels come behind samples.
    if random.below(3) == 0 { pieces.shuffle(using: &random) }
    return Array(pieces.joined())
  }

  mutating func label() -> [UInt8] {
    var pieces: [[UInt8]] = []
    if random.below(12) > 0 { pieces.append(field(1, text())) }
    if random.below(12) > 0 { pieces.append(field(2, text())) }
    if random.below(16) == 0 { pieces.append(field(2, text())) }
    if random.below(16) == 0 { pieces.append(unknownField(known: 1, 2)) }
    if random.below(16) == 0 { pieces.shuffle(using: &random) }
    return Array(pieces.joined())
  }

  mutating func sample() -> [UInt8] {
    var pieces: [[UInt8]] = []
    for _ in 0..<(1 + random.below(12) / 11) {
      if random.below(8) > 0 { pieces.append([0x09] + random.bytes(8)) }
      if random.below(8) > 0 {
        let time = random.below(4) == 0 ? random.next() : UInt64(1_700_000_000_000 + random.below(1 << 30))
        pieces.append([0x10] + varint(time, padding: random.below(8) == 0 ? random.below(4) : 0))
      }
    }
    if random.below(12) == 0 { pieces.append(unknownField(known: 1, 2, 3)) }
    if random.below(8) == 0 { pieces.shuffle(using: &random) }
    return Array(pieces.joined())
  }

  mutating func exemplar() -> [UInt8] {
    field(1, label()) + [0x11] + random.bytes(8) + [0x18] + varint(UInt64(1_700_000_000_000 + random.below(1 << 30)))
  }

  mutating func histogram() -> [UInt8] {
    [0x08] + varint(random.next()) + [0x19] + random.bytes(8) + field(11, [0x08, 0x02, 0x10, 0x01])
      + field(12, varint(UInt64(random.below(1000)))) + [0x78] + varint(UInt64(1_700_000_000_000))
  }

  mutating func metadata() -> [UInt8] {
    field(3, [0x08, UInt8(random.below(8))] + field(2, text()) + field(4, text()))
  }

  mutating func unknownField(known: UInt64...) -> [UInt8] {
    var number: UInt64
    repeat {
      number = random.below(2) == 0 ? UInt64(1 + random.below(40)) : UInt64(1 + random.below(1 << 29 - 1))
    } while known.contains(number)
    switch random.below(4) {
    case 0: return varint(number << 3) + varint(random.next() >> UInt64(random.below(64)))
    case 1: return varint(number << 3 | 1) + random.bytes(8)
    case 2: return field(number, random.bytes(random.below(20)))
    default: return varint(number << 3 | 5) + random.bytes(4)
    }
  }

  mutating func text() -> [UInt8] {
    let count = random.below(20) == 0 ? random.below(300) : random.below(12)
    return (0..<count).map { _ in UInt8(97 + random.below(26)) }
  }

  func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(content.count)) + content
  }

  /// A varint, in `padding` more bytes than it needs as far as ten allow.
  func varint(_ value: UInt64, padding: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
    for _ in 0..<min(padding, 10 - bytes.count) {
      bytes[bytes.count - 1] |= 0x80
      bytes.append(0)
    }
    return bytes
  }

  /// Damages a body in one of the ways that bodies are damaged, or attacked.
  mutating func damaged(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    if bytes.isEmpty { return random.bytes(1 + random.below(4)) }
    for _ in 0..<(1 + random.below(3)) {
      let place = random.below(max(bytes.count, 1))
      switch random.below(10) {
      case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8(random.below(8))
      case 1 where !bytes.isEmpty: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 2: bytes.removeSubrange(place...)
      case 3: bytes.insert(contentsOf: random.bytes(1 + random.below(9)), at: place)
      case 4: bytes.insert(contentsOf: [UInt8](repeating: 0xff, count: 1 + random.below(11)), at: place)
      case 5: bytes.insert(contentsOf: varint(UInt64(random.below(300)), padding: 1 + random.below(9)), at: place)
      case 6: bytes.insert(contentsOf: field(UInt64(1 + random.below(5)), random.bytes(random.below(30))), at: place)
      case 7 where !bytes.isEmpty: bytes[place] = [0x0a, 0x12, 0x1a, 0x22, 0x09, 0x10, 0x0b, 0x0c][random.below(8)]
      case 8: bytes += varint(UInt64(random.below(64)), padding: random.below(6)) + random.bytes(random.below(12))
      default: bytes.removeSubrange(place..<min(place + 1 + random.below(4), bytes.count))
      }
    }
    return bytes
  }
}

/// What the scanner and `LabelFields` make of a body; nil where the scanner refuses. `badLabels`: rows whose labels do
/// not parse.
func scannerReading(
  _ body: UnsafeRawBufferPointer, _ rows: inout WriteRequestRows, _ labels: inout LabelFields
) -> (request: ReadRequest, badLabels: Set<Int>)? {
  do throws(WriteRequestError) {
    try WriteRequestScanner.scan(body, key: .stable, into: &rows)
  } catch {
    precondition(error.offset >= 0 && error.offset <= body.count)
    return nil
  }
  var request = ReadRequest(series: [], metadata: rows.metadata.count)
  var badLabels: Set<Int> = []
  for index in 0..<rows.rows.count {
    let row = rows.rows[index]
    var series = ReadRequest.Series()
    let raw = rows.labels(of: row, in: body)
    precondition(KeyedHash.stable.hash128(raw).high == row.hashHigh)
    if labels.parse(raw) {
      for label in 0..<labels.fields.count {
        series.labels += [Array(labels.name(label, in: raw)), Array(labels.value(label, in: raw))]
      }
    } else {
      badLabels.insert(index)
    }
    let samples = Int(row.sampleStart)..<(Int(row.sampleStart) + Int(row.sampleCount))
    series.times = samples.map { rows.times[$0] }
    series.values = samples.map { rows.values[$0] }
    series.exemplars = rows.exemplars.elements.count { $0.row == index }
    series.histograms = rows.histograms.elements.count { $0.row == index }
    request.series.append(series)
  }
  return (request, badLabels)
}
