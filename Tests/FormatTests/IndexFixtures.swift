import Format

/// An index laid out byte by byte, without the writer of blocks: what the format says, told a second time.
struct IndexFixture {
  struct Series {
    /// Names and values by turns, names ascending.
    var labels: [String]
    var chunks: [ChunkMeta]
  }

  let series: [Series]
  /// Sorted, each once.
  let symbols: [String]
  /// For each (name, value) the references of its series; the list of all has empty ones.
  private(set) var postings: [[String]: [UInt32]] = [:]
  private(set) var references: [UInt32] = []
  private(set) var bytes: [UInt8] = []
  /// What has a checksum of its own behind it.
  private(set) var parts: [Range<Int>] = []

  /// - Parameter hasLabelIndices: as older servers write them, between series and postings.
  init(_ unsorted: [Series], hasLabelIndices: Bool) {
    func order(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
    series = unsorted.sorted { $0.labels.lexicographicallyPrecedes($1.labels, by: order) }
    symbols = Set(series.flatMap(\.labels)).sorted(by: order)
    append(0xbaaa_d700 as UInt32)
    bytes.append(2)
    var offsets: [Int] = []
    offsets.append(bytes.count)
    appendPart(count: symbols.count, IndexFixture.body { body in for text in symbols { body.text(text) } })
    offsets.append(bytes.count)
    appendSeries()
    offsets.append(bytes.count)
    if hasLabelIndices { appendPart(count: 1, [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]) }
    let lists = bytes.count
    let places = appendPostings(order)
    offsets.append(bytes.count)
    appendPart(count: 0, [])
    offsets.append(lists)
    offsets.append(bytes.count)
    let table = IndexFixture.body { body in
      for (pair, place) in places {
        body.append(2)
        body.text(pair[0])
        body.text(pair[1])
        body.uvarint(UInt64(place))
      }
    }
    appendPart(count: places.count, table)
    let start = bytes.count
    for offset in offsets { append(UInt64(offset)) }
    seal(start)
  }

  private static func body(_ fill: (inout [UInt8]) -> Void) -> [UInt8] {
    var body: [UInt8] = []
    fill(&body)
    return body
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func seal(_ start: Int) {
    parts.append(start..<bytes.count)
    append(bytes[start...].withUnsafeBytes { checksum($0) })
  }

  private mutating func align(_ step: Int) { while bytes.count % step != 0 { bytes.append(0) } }

  private mutating func appendPart(count: Int, _ body: [UInt8]) {
    append(UInt32(body.count + 4))
    let start = bytes.count
    append(UInt32(count))
    bytes += body
    seal(start)
  }

  private mutating func appendSeries() {
    for one in series {
      align(16)
      let reference = UInt32(bytes.count / 16)
      references.append(reference)
      postings[["", ""], default: []].append(reference)
      for place in stride(from: 0, to: one.labels.count, by: 2) {
        postings[[one.labels[place], one.labels[place + 1]], default: []].append(reference)
      }
      let body = IndexFixture.body { body in
        body.uvarint(UInt64(one.labels.count / 2))
        for text in one.labels { body.uvarint(UInt64(symbols.firstIndex(of: text) ?? 0)) }
        body.uvarint(UInt64(one.chunks.count))
        for (place, chunk) in one.chunks.enumerated() {
          let before = place > 0 ? one.chunks[place - 1] : ChunkMeta(minTime: 0, maxTime: 0, reference: 0)
          if place == 0 {
            body.varint(chunk.minTime)
          } else {
            body.uvarint(UInt64(bitPattern: chunk.minTime &- before.maxTime))
          }
          body.uvarint(UInt64(chunk.maxTime - chunk.minTime))
          if place == 0 {
            body.uvarint(chunk.reference)
          } else {
            body.varint(Int64(bitPattern: chunk.reference &- before.reference))
          }
        }
      }
      bytes.uvarint(UInt64(body.count))
      let start = bytes.count
      bytes += body
      seal(start)
    }
  }

  /// Where the list of each label stands, in the order of the table.
  private mutating func appendPostings(_ order: (String, String) -> Bool) -> [(pair: [String], place: Int)] {
    var places: [(pair: [String], place: Int)] = []
    for pair in postings.keys.sorted(by: { $0.lexicographicallyPrecedes($1, by: order) }) {
      align(4)
      places.append((pair, bytes.count))
      let list = postings[pair] ?? []
      appendPart(
        count: list.count,
        IndexFixture.body { body in
          for reference in list { withUnsafeBytes(of: reference.bigEndian) { body.append(contentsOf: $0) } }
        })
    }
    return places
  }
}

extension [UInt8] {
  fileprivate mutating func uvarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  fileprivate mutating func varint(_ value: Int64) { uvarint(UInt64(bitPattern: value << 1 ^ value >> 63)) }

  fileprivate mutating func text(_ text: String) {
    uvarint(UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }
}
