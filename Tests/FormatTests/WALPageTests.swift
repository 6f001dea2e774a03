import Format
import TestKit
import Testing

/// What a scan of a whole segment gave.
private struct Scan {
  var records: [[UInt8]] = []
  var compressions: [WALCompression] = []
  var damages: [SegmentDamage] = []
  var edits: [SegmentEdit] = []
  var intactEnd = 0

  init(_ segment: [UInt8], from start: Int = 0) {
    var scanner = PageScanner()
    scanner.beginSegment(at: start)
    segment.withUnsafeBytes { segment in
      var page = start - start % WALPage.pageBytes
      while page < segment.count {
        let bytes = segment[page..<min(page + WALPage.pageBytes, segment.count)]
        scanner.begin(page: UnsafeRawBufferPointer(rebasing: bytes), at: page, from: max(0, start - page))
        readPage(&scanner)
        page += WALPage.pageBytes
      }
    }
    if let damage = scanner.endSegment() { damages.append(damage) }
    edits = scanner.edits
    intactEnd = scanner.intactEnd
  }

  private mutating func readPage(_ scanner: inout PageScanner) {
    while true {
      switch scanner.next() {
      case .record(let bytes, let compression):
        records.append(Array(bytes))
        compressions.append(compression)
      case .damage(let damage): damages.append(damage)
      case .endOfPage: return
      }
    }
  }
}

private func segment(_ records: [[UInt8]], compression: WALCompression = .none) -> [UInt8] {
  bytes { output in
    var framer = RecordFramer()
    for record in records {
      record.withUnsafeBytes { framer.append($0, compression: compression, to: &output) }
    }
  }
}

private func mended(_ segment: [UInt8], _ edits: [SegmentEdit]) -> [UInt8] {
  var result = segment
  result.withUnsafeMutableBytes { bytes in
    for edit in edits {
      let page = edit.offset / WALPage.pageBytes * WALPage.pageBytes
      let end = min(page + WALPage.pageBytes, bytes.count)
      edit.apply(to: UnsafeMutableRawBufferPointer(rebasing: bytes[page..<end]), pageOffset: page)
    }
  }
  return result
}

@Suite struct WALPageTests {
  @Test("a record of every size around the page borders comes back, wherever in the page it starts")
  func everySplit() {
    var random = WALRandom(seed: 5)
    let page = WALPage.pageBytes
    let interesting = [0, 1, 6, 7, 8, page - 15, page - 14, page - 8, page - 7, page - 6, page, 2 * page, 100_000]
    for first in interesting {
      for second in interesting {
        let records = [random.bytes(first), random.bytes(second), random.bytes(20)]
        let scan = Scan(segment(records))
        #expect(scan.records == records)
        #expect(scan.damages.isEmpty && scan.edits.isEmpty)
      }
    }
  }

  @Test("the bytes are those Prometheus writes: fragment headers, CRC-32C and padding")
  func knownBytes() {
    // The check value of CRC-32C: "123456789" gives e3069283.
    let record = Array("123456789".utf8)
    #expect(segment([record]) == [1, 0, 9, 0xe3, 0x06, 0x92, 0x83] + record)
    #expect(segment([record], compression: .snappy)[0] == 0x09)
    #expect(segment([record], compression: .zstd)[0] == 0x11)
    // Six bytes are left in the page: they are filled at once.
    let filling = Array(repeating: UInt8(1), count: WALPage.pageBytes - 13)
    #expect(segment([filling]).count == WALPage.pageBytes)
    #expect(segment([filling]).suffix(6) == [0, 0, 0, 0, 0, 0])
    // Seven are left: the next record begins there, with an empty first fragment.
    let oneLess = Array(repeating: UInt8(1), count: WALPage.pageBytes - 14)
    let two = segment([oneLess, record])
    #expect(Array(two[(WALPage.pageBytes - 7)..<WALPage.pageBytes]) == [2, 0, 0, 0, 0, 0, 0])
    #expect(two[WALPage.pageBytes] == 4)
  }

  @Test("a framer goes on in a page that was written in part")
  func continues() {
    var random = WALRandom(seed: 6)
    let records = (0..<50).map { _ in random.bytes(random.number(below: 5000)) }
    var written: [UInt8] = []
    for record in records {
      var framer = RecordFramer(segmentOffset: written.count)
      written += bytes { output in
        record.withUnsafeBytes { framer.append($0, compression: .none, to: &output) }
      }
    }
    #expect(written == segment(records))
    var framer = RecordFramer(segmentOffset: written.count)
    written += bytes { framer.fillPage(in: &$0) }
    #expect(written.count % WALPage.pageBytes == 0)
    #expect(Scan(written).records == records)
  }

  @Test("a segment that is cut anywhere gives all whole records, and says where they end")
  func everyCut() {
    var random = WALRandom(seed: 7)
    let records = [3000, 40_000, 10, 5, 26_000].map { random.bytes($0) }
    let whole = segment(records)
    var ends: [Int] = []
    for count in 1...records.count { ends.append(segment(Array(records[..<count])).count) }
    for cut in stride(from: 0, through: whole.count, by: 97) {
      let scan = Scan(Array(whole[..<cut]))
      let expected = ends.prefix { $0 <= cut }.count
      #expect(scan.records == Array(records[..<expected]))
      #expect(scan.damages.isEmpty == ([0] + ends).contains(cut), "cut at \(cut)")
      #expect(scan.damages.allSatisfy { $0.reason == .cut && $0.offset == scan.intactEnd })
    }
  }

  @Test("one damaged byte costs one record, every other is read")
  func oneDamagedByte() {
    var random = WALRandom(seed: 8)
    let records = (0..<100).map { i in [UInt8(1), UInt8(i)] + random.bytes(i % 20 == 0 ? 40_000 : 200) }
    let whole = segment(records)
    for _ in 0..<150 {
      var damaged = whole
      damaged[random.number(below: whole.count)] ^= UInt8(1 + random.number(below: 255))
      let scan = Scan(damaged)
      // A changed length of the last fragment of a page, or padding, may cost nothing.
      #expect(scan.records.count >= records.count - 1)
      #expect(scan.records.allSatisfy { $0 == records[Int($0[1])] })
      #expect(scan.records.count == records.count || scan.damages.count == 1, "\(scan.damages)")
    }
  }

  @Test("after mending, a segment reads without damage and every intact record is where it was")
  func mending() {
    let seed: UInt64 = 99
    var random = WALRandom(seed: seed)
    for _ in 0..<60 {
      let records = (0..<20).map { i in [UInt8(1)] + random.bytes(i % 7 == 0 ? 40_000 : random.number(below: 3000)) }
      var damaged = segment(records)
      for _ in 0...random.number(below: 4) {
        let place = random.number(below: damaged.count)
        let length = min(damaged.count - place, random.number(below: 10_000) + 1)
        let zeros = random.number(below: 2) == 0
        for i in place..<(place + length) { damaged[i] = zeros ? 0 : UInt8(truncatingIfNeeded: random.next()) }
      }
      let scan = Scan(damaged)
      let again = Scan(mended(damaged, scan.edits))
      #expect(again.damages.isEmpty, "seed \(seed): \(again.damages)")
      #expect(again.records.filter { !$0.isEmpty && $0[0] != 0 } == scan.records)
    }
  }

  @Test("reading starts at any record")
  func startsAnywhere() {
    var random = WALRandom(seed: 10)
    let records = [3000, 40_000, 10, 26_000, 77].map { random.bytes($0) }
    let whole = segment(records)
    for count in 0..<records.count {
      let start = segment(Array(records[..<count])).count
      #expect(Scan(whole, from: start).records == Array(records[count...]))
    }
  }

  @Test("arbitrary bytes are scanned to their end")
  func garbage() {
    var random = WALRandom(seed: 11)
    for _ in 0..<10 {
      let segment = random.bytes(random.number(below: 70_000))
      let scan = Scan(segment)
      #expect(Scan(mended(segment, scan.edits)).damages.isEmpty)
    }
  }
}
